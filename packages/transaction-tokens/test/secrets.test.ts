import { isWimseError } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { issueTransactionToken, readTransactionTokenField, replaceTransactionToken } from '../src/index.ts'
import { CLAIMS, createWorld, type Forgery, NOW, ORDERS, SHOP, STOREFRONT, signerOf, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Everything that an error says, its causes included. */
async function saidBy(step: () => unknown): Promise<string> {
  const said: string[] = []
  try {
    await step()
  } catch (thrown) {
    for (let error: unknown = thrown; isWimseError(error); error = error.cause)
      said.push(error.message, error.detail ?? '', String(error.stack))
  }
  expect(said).not.toEqual([])
  return said.join('\n')
}

describe('TXN-15.2-01, TXN-15.2-04: no error tells a token or what a claim says', () => {
  const secret = 'd41d8cd98f00b204'
  const faults: readonly (readonly [title: string, forgery: Forgery])[] = [
    ['typ', { header: { typ: secret } }],
    ['kid', { header: { kid: secret } }],
    ['aud', { claims: { aud: secret } }],
    ['exp', { claims: { exp: secret } }],
    ['iat', { claims: { iat: secret } }],
    ['txn', { claims: { txn: [secret] } }],
    ['sub', { claims: { sub: [secret] } }],
    ['scope', { claims: { scope: [secret] } }],
    ['req_wl', { claims: { req_wl: { secret } } }],
    ['tctx', { claims: { tctx: secret } }],
    ['rctx', { claims: { rctx: secret } }],
    ['age', { claims: { exp: NOW - 1, sub: secret } }],
  ]
  it.each(faults)('of a verifier, about %s', async (_title, forgery) => {
    const token = await world.forge(forgery)
    const said = await saidBy(() => world.verify(token))
    for (const part of [...token.split('.'), secret, String(CLAIMS['sub'])]) expect(said).not.toContain(part)
  })

  it('of a verifier, about the signature and the field', async () => {
    const token = await world.forge({ signer: await signerOf('other') })
    const said = await saidBy(() => world.verify(token))
    const read = await saidBy(() => readTransactionTokenField([['txn-token', `Bearer ${token}`]]))
    for (const part of token.split('.')) expect(said + read).not.toContain(part)
  })

  it('of a token service', async () => {
    const options = { signer: world.service, keyId: '1', runtime: world.runtime, presentedTokens: [secret] }
    const grant = { trustDomain: SHOP, subject: secret, scope: ['a'], requester: STOREFRONT }
    const original = await world.verify(await world.forge())
    const said = [
      await saidBy(() => issueTransactionToken(grant, options)),
      await saidBy(() => issueTransactionToken({ ...grant, requester: secret }, options)),
      await saidBy(() => replaceTransactionToken(original, { requester: ORDERS, narrowerScope: [secret] }, options)),
      await saidBy(() =>
        replaceTransactionToken(original, { requester: ORDERS, addedContext: { amount: secret } }, { ...options, presentedTokens: [] }),
      ),
    ]
    expect(said.join()).not.toContain(secret)
  })
})
