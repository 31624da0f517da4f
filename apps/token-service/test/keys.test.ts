import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSigner } from '@wimse/keys'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generatedKeys } from '../src/keys/generated-keys.ts'
import { keyFile } from '../src/keys/key-file.ts'
import { closeAll, createWorld, probe, type World } from './harness.ts'

let world: World
let path: string

beforeEach(async () => {
  world = await createWorld()
  path = join(world.directory, 'keys.json')
})

afterEach(closeAll)

async function privateJwk(kid: string): Promise<object> {
  return { ...(await generateSigner('ES256', world.runtime)).exportPrivateJwk(), kid }
}

const kids = ({ jwks }: { jwks(): object }): unknown => (jwks() as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)

describe('keys', () => {
  it('are announced before they sign, and published until what they signed has expired', async () => {
    const { runtime } = world
    const log = { event: () => undefined }
    const keys = await generatedKeys({ algorithm: 'ES256', rotateEverySeconds: 3600, overlapSeconds: 600, runtime, log })
    const [first, second] = kids(keys) as string[]
    expect(keys.current().keyId).toBe(first)
    await runtime.nextDelay()
    const before = keys.authorities()
    runtime.advance(3600)
    await rotated(() => keys.current().keyId !== first)
    expect(keys.current().keyId).toBe(second)
    expect(kids(keys)).toContain(first)
    expect(keys.authorities()).not.toBe(before)
    runtime.advance(600)
    await rotated(() => !(kids(keys) as string[]).includes(String(first)))
    keys.close()
  })

  it('are kept beyond that for deferred grants, published no more, and good for nothing else', async () => {
    const { runtime } = world
    const log = { event: () => undefined }
    const options = { algorithm: 'ES256', rotateEverySeconds: 600, overlapSeconds: 100, keptSeconds: 1000, runtime, log } as const
    const keys = await generatedKeys(options)
    const { keyId: first } = keys.current()
    const has = (authorities: readonly { readonly keyId?: string | undefined }[]): boolean =>
      authorities.some(({ keyId }) => keyId === first)
    const isKept = (): boolean => has(keys.grantAuthorities())
    const period = async (): Promise<void> => {
      const { keyId } = keys.current()
      await runtime.nextDelay()
      runtime.advance(600)
      await rotated(() => keys.current().keyId !== keyId)
    }
    await period()
    expect([kids(keys), has(keys.authorities()), isKept()]).toEqual([expect.arrayContaining([first]), true, true])
    await period()
    expect([kids(keys), has(keys.authorities()), isKept()]).toEqual([expect.not.arrayContaining([first]), false, true])
    await period()
    expect(isKept()).toBe(false)
    keys.close()
  })

  it('come from a file, and are read again without a restart', async () => {
    const [one, two] = [await privateJwk('one'), await privateJwk('two')]
    await writeFile(path, JSON.stringify({ keys: [one] }))
    const service = await world.start({ keys: { file: path } })
    expect((await service.health()).keyId).toBe('one')
    await writeFile(path, JSON.stringify({ keys: [two, one] }))
    await service.reloadKeys()
    expect((await service.health()).keyId).toBe('two')
    await writeFile(path, '{"keys":[]}')
    await service.reloadKeys()
    expect((await service.health()).keyId).toBe('two')
    expect(world.lastEvent()).toMatchObject({ event: 'keys.unusable', code: 'ERR_OPTIONS_INVALID' })
  })

  it('never show a private member', async () => {
    await writeFile(path, JSON.stringify({ keys: [await privateJwk('one')] }))
    expect(JSON.stringify((await keyFile(path, world.runtime)).jwks())).not.toContain('"d"')
  })

  it.each([
    ['no JSON', '{'],
    ['no keys', '{"keys":[]}'],
    ['a public key', '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","kid":"1"}]}'],
    ['a symmetric key', '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"1"}]}'],
    ['a key without kid', '{"keys":[{"kty":"EC"}]}'],
  ])('are refused from a file with %s', async (_title, text) => {
    await writeFile(path, text)
    await expect(keyFile(path, world.runtime)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })
})

describe('health', () => {
  it('is alive as long as it answers, and ready while it has a credential', async () => {
    const service = await world.start()
    expect((await probe(service.healthPort, '/livez')).status).toBe(200)
    expect((await probe(service.healthPort, '/readyz')).status).toBe(200)
    expect((await probe(service.healthPort, '/metrics')).status).toBe(404)
    world.runtime.advance(7200)
    expect((await probe(service.healthPort, '/livez')).status).toBe(200)
    const { status, body } = await probe(service.healthPort, '/readyz')
    expect([status, JSON.parse(body)]).toEqual([503, expect.objectContaining({ ready: false })])
  })
})

async function rotated(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 2000 && !holds(); round += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(holds()).toBe(true)
}
