import { utf8 } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { createContentDigest, parseContentDigest, verifyContentDigest } from '../src/index.ts'
import { fixedRuntime } from './support/node-keys.ts'

const runtime = fixedRuntime(0)
const body = utf8('{"hello": "world"}')
const SHA256 = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
const SHA512 = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
const OTHER = SHA256.replace('X48E', 'X48F')

function stream(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

describe('Content-Digest', () => {
  it('DIG-2-01 DIG-2-02 DIG-2-03 DIG-2-04: one member for each algorithm', async () => {
    expect(await createContentDigest(body, { runtime })).toBe(SHA256)
    expect(await createContentDigest(body, { runtime, algorithms: ['sha-256', 'sha-512'] })).toBe(`${SHA256}, ${SHA512}`)
  })

  it.each([
    ['DIG-5-01 sha-256', SHA256],
    ['DIG-5-01 sha-512', SHA512],
    ['DIG-2-04', `${SHA256},\t${SHA512}`],
    ['DIG-2-07 unknown algorithm beside', `md5=:AAAA:, ${SHA256}`],
    ['a member with parameters', `${SHA256};x=1`],
  ])('%s: accepts octets and streams', async (_id, field) => {
    const fields = [['Content-Digest', field]] as const
    expect(await verifyContentDigest({ fields, body }, { runtime })).toEqual(body)
    const chunks = stream(body.slice(0, 3), body.slice(3))
    expect(await verifyContentDigest({ fields, body: chunks }, { runtime })).toEqual(body)
  })

  it.each([
    ['DIG-6.7-02', 'ERR_DIGEST_MISMATCH', OTHER],
    ['DIG-6.7-02 one of two', 'ERR_DIGEST_MISMATCH', `${SHA512}, ${OTHER}`],
    ['DIG-5-02', 'ERR_DIGEST_ALGORITHM', 'md5=:AAAA:'],
    ['DIG-2-03', 'ERR_DIGEST_MALFORMED', 'sha-256=X48E'],
    ['DIG-2-03', 'ERR_DIGEST_MALFORMED', 'sha-256=:AAAA:'],
    ['DIG-2-02', 'ERR_DIGEST_MALFORMED', `${SHA256},`],
    ['DIG-2-02', 'ERR_DIGEST_MALFORMED', ''],
    ['an algorithm twice', 'ERR_DIGEST_MALFORMED', `${SHA256}, ${OTHER}`],
  ])('%s: %s', async (_id, code, field) => {
    await expect(verifyContentDigest({ fields: [['content-digest', field]], body }, { runtime })).rejects.toMatchObject({ code })
  })

  it('DIG-6.6-01: an algorithm that is not accepted does not count', async () => {
    const message = { fields: [['content-digest', SHA256]] as const, body }
    const options = { runtime, algorithms: ['sha-512'] as const }
    await expect(verifyContentDigest(message, options)).rejects.toMatchObject({ code: 'ERR_DIGEST_ALGORITHM' })
  })

  it('DIG-6.7-01: a body beyond the limit is refused', async () => {
    const fields = [['content-digest', SHA256]] as const
    for (const large of [body, stream(body.slice(0, 10), body.slice(10))]) {
      await expect(verifyContentDigest({ fields, body: large }, { runtime, maxBodyBytes: 17 })).rejects.toMatchObject({
        code: 'ERR_MESSAGE_BODY_TOO_LARGE',
      })
    }
  })

  it('DIG-3-02: Repr-Digest does not stand in for it', async () => {
    expect(parseContentDigest([['repr-digest', SHA256]])).toBeUndefined()
    await expect(verifyContentDigest({ fields: [['repr-digest', SHA256]], body }, { runtime })).rejects.toMatchObject({
      code: 'ERR_DIGEST_ALGORITHM',
    })
  })
})
