import type { ErrorCode } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTransactionTokenVerifier, staticTokenServiceKeys } from '../src/index.ts'
import { codeOf, countingRuntime, createWorld, type Forgery, jwksOf, NOW, SHOP, signerOf, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Each fault in the order in which it is found, the latest first, so that every token has its own and all that come after. */
const faults: readonly (readonly [code: ErrorCode, fault: Forgery])[] = [
  ['ERR_TXN_CLAIM', { claims: { tctx: 1 } }],
  ['ERR_TXN_REQ_WL', { claims: { req_wl: 1 } }],
  ['ERR_TXN_SCOPE', { claims: { scope: 1 } }],
  ['ERR_TXN_SUB', { claims: { sub: 1 } }],
  ['ERR_TXN_TXN', { claims: { txn: 1 } }],
  ['ERR_TXN_LIFETIME', { claims: { exp: NOW + 10_000 } }],
  ['ERR_TXN_NOT_YET_VALID', { claims: { iat: NOW + 100 } }],
  ['ERR_TXN_IAT', { claims: { iat: 'x' } }],
  ['ERR_TXN_EXPIRED', { claims: { exp: NOW - 1 } }],
  ['ERR_TXN_EXP', { claims: { exp: 'x' } }],
  ['ERR_TXN_AUD', { claims: { aud: 'bank.example' } }],
  ['ERR_TXN_SIGNATURE', {}],
  ['ERR_TXN_KEY_UNKNOWN', { header: { kid: 'unknown' } }],
  ['ERR_TXN_ALG', { header: { alg: 'none' } }],
  ['ERR_TXN_TYP', { header: { typ: 'JWT' } }],
  ['ERR_TXN_MALFORMED', { header: { crit: ['x'] } }],
]

describe('of several faults the earliest decides', () => {
  it.each(faults.map(([code], index) => [code, index] as const))('TXN-12.2-01, TXN-16.3-01: %s', async (code, index) => {
    const { runtime, verifications } = countingRuntime(world.runtime)
    const keys = staticTokenServiceKeys({ [SHOP]: jwksOf({ '1': world.service }) }, { runtime })
    const isLater = index < faults.findIndex(([other]) => other === 'ERR_TXN_SIGNATURE')
    const header = Object.assign({}, ...faults.slice(0, index + 1).map(([, fault]) => fault.header))
    const claims = Object.assign({}, ...faults.slice(0, index + 1).map(([, fault]) => fault.claims))
    const token = await world.forge({ header, claims, signer: isLater ? world.service : await signerOf('other') })
    expect(await codeOf(createTransactionTokenVerifier({ keys, audience: SHOP, runtime })(token))).toBe(code)
    // No claim counts before the signature does, and what fails before its key is known costs no cryptography.
    expect(verifications()).toBe(isLater || code === 'ERR_TXN_SIGNATURE' ? 1 : 0)
  })
})
