import type { CryptoEngine, ErrorCode, FieldLines, Runtime } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { createWitVerifier } from '@wimse/wit'
import { beforeAll, expect, it } from 'vitest'
import { createWptVerifier } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, type Forgery, NOW, PATH, requestWith, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

interface Fault extends Forgery {
  readonly fields?: FieldLines
  readonly authorization?: (token: string) => string
  readonly doubled?: true
  readonly otherKey?: true
}

/** Each fault in the order in which it is found, the latest first, so that every request has its own and all that come after. */
const faults: readonly (readonly [code: ErrorCode, fault: Fault])[] = [
  ['ERR_WPT_REPLAYED', { claims: { jti: 'used' } }],
  ['ERR_WPT_OTH_MISSING', { fields: [['X-Context', 'a']] }],
  ['ERR_WPT_OTH_UNKNOWN', { claims: { oth: { 'x-other': 'A' } } }],
  ['ERR_WPT_TTH', { claims: { tth: 'A' } }],
  ['ERR_WPT_WTH', { claims: { wth: 'A' } }],
  ['ERR_WPT_WTH_MISSING', { claims: { wth: undefined } }],
  ['ERR_WPT_JTI', { claims: { jti: undefined } }],
  ['ERR_WPT_LIFETIME', { claims: { exp: NOW + 100_000 } }],
  ['ERR_WPT_EXPIRED', { claims: { exp: NOW - 100 } }],
  ['ERR_WPT_CLAIM', { claims: { exp: 'x' } }],
  ['ERR_WPT_EXP', { claims: { exp: undefined } }],
  ['ERR_WPT_AUD', { claims: { aud: 'x' } }],
  ['ERR_WPT_AUD_MISSING', { claims: { aud: undefined } }],
  ['ERR_WPT_SIGNATURE', { otherKey: true }],
  ['ERR_WPT_ALG_MISMATCH', { header: { alg: 'ES384' } }],
  ['ERR_WPT_ALG', { header: { alg: 'none' } }],
  ['ERR_WPT_TYP', { header: { typ: 'JWT' } }],
  ['ERR_WPT_MALFORMED', { header: { crit: ['a'] } }],
  ['ERR_WPT_SCHEME', { authorization: (token) => `Bearer ${token}` }],
  ['ERR_WPT_AUTHORIZATION_COUNT', { doubled: true }],
]

it.each(faults.map(([code], index) => [code, index] as const))('of several faults the earliest decides: %s', async (code, index) => {
  let verifications = 0
  const crypto: CryptoEngine = {
    ...world.runtime.crypto,
    verify(...args) {
      verifications += 1
      return world.runtime.crypto.verify(...args)
    },
  }
  const runtime: Runtime = { ...world.runtime, crypto }
  const verifyWit = createWitVerifier({ trust: world.trust, profile: 'wimse', runtime })
  const wit = await verifyWit(world.credential.token)
  const records: string[] = []
  const replay = {
    record: ({ id }: { readonly id: string }) => {
      records.push(id)
      return id !== 'used'
    },
  }
  const chosen = faults.slice(0, index + 1).map(([, fault]) => fault)
  const header = Object.assign({}, ...chosen.map((fault) => fault.header))
  const claims = Object.assign({}, ...chosen.map((fault) => fault.claims))
  const signer = chosen.some(({ otherKey }) => otherKey) ? { signer: (await generateSigner('ES256', runtime)).signer } : {}
  const token = await world.forge({ header, claims, ...signer })
  const authorization = chosen.findLast((fault) => fault.authorization !== undefined)?.authorization?.(token) ?? `WPT ${token}`
  const extra = chosen.flatMap(({ fields = [], doubled }) => [...fields, ...(doubled ? [['Authorization', 'x'] as const] : [])])
  const verify = createWptVerifier({ audience: AUDIENCE, replay, contextFields: ['x-context'], runtime })
  verifications = 0
  expect(await codeOf(verify(requestWith(authorization, extra, PATH), wit))).toBe(code)
  expect(verifications).toBe(index <= faults.findIndex(([other]) => other === 'ERR_WPT_SIGNATURE') ? 1 : 0)
  // WPT-2-38: the store is asked last and only once everything else held.
  expect(records).toEqual(code === 'ERR_WPT_REPLAYED' ? ['used'] : [])
})
