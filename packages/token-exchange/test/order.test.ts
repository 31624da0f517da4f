import type { ErrorCode, ReplayStore } from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  ATTESTATION_FIELDS,
  type AuthenticatedClient,
  checkRedemption,
  createDelegationPolicy,
  delegate,
  type RedemptionRequest,
  verifyAccessToken,
  verifyAuthorizationGrant,
  verifyDeferredGrant,
} from '../src/index.ts'
import {
  BANK,
  type Changes,
  codeOf,
  createWorld,
  type Forgery,
  LEDGER,
  NOW,
  ORDERS,
  PAYMENTS,
  proofOf,
  SHOP,
  type World,
} from './support/world.ts'

let world: World
let stranger: Signer
let payments: AuthenticatedClient
beforeAll(async () => {
  world = await createWorld()
  stranger = (await generateSigner('ES256', world.runtime)).signer
  payments = await world.clientOf(world.payments)
})

interface Fault extends Omit<Forgery, 'signer'> {
  readonly stranger?: true
}

type Faults = readonly (readonly [code: ErrorCode, fault: Fault])[]

/** Every fault with all that are found after it. */
function rowsOf(faults: Faults): readonly (readonly [code: ErrorCode, index: number])[] {
  return faults.map(([code], index) => [code, index] as const)
}

/** A token with the fault at the index and all before it, which are found later. */
function forge(
  base: { readonly header: Changes; readonly claims: Changes },
  faults: Faults,
  index: number,
  signer: Signer,
): Promise<string> {
  const present = faults.slice(0, index + 1).map(([, fault]) => fault)
  return world.forge(base, {
    header: Object.assign({}, ...present.map(({ header }) => header)) as Changes,
    claims: Object.assign({}, ...present.map(({ claims }) => claims)) as Changes,
    signer: present.some((fault) => fault.stranger === true) ? stranger : signer,
  })
}

/** A store that knows every entry already and counts how often it is asked. */
function fullStore(): ReplayStore & { readonly asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    record() {
      asked += 1
      return false
    },
  }
}

describe('of several faults of a grant the earliest decides', () => {
  const faults: Faults = [
    ['ERR_EXCHANGE_GRANT_REPLAYED', {}],
    ['ERR_EXCHANGE_SCOPE', { claims: { scope: undefined } }],
    ['ERR_EXCHANGE_GRANT_CLIENT', { claims: { client_id: ORDERS } }],
    ['ERR_EXCHANGE_GRANT_CLAIM', { claims: { act: 'x' } }],
    ['ERR_EXCHANGE_GRANT_JTI', { claims: { jti: '' } }],
    ['ERR_EXCHANGE_GRANT_SUBJECT', { claims: { sub: '' } }],
    ['ERR_EXCHANGE_GRANT_AUD', { claims: { aud: SHOP } }],
    ['ERR_EXCHANGE_GRANT_LIFETIME', { claims: { exp: NOW + 1000 } }],
    ['ERR_EXCHANGE_GRANT_EXPIRED', { claims: { exp: NOW - 1000 } }],
    ['ERR_EXCHANGE_GRANT_SIGNATURE', { stranger: true }],
    ['ERR_EXCHANGE_GRANT_KEY_UNKNOWN', { header: { kid: '2' } }],
    ['ERR_EXCHANGE_GRANT_ISSUER', { claims: { iss: BANK } }],
    ['ERR_EXCHANGE_GRANT_ALG', { header: { alg: 'HS256' } }],
    ['ERR_EXCHANGE_GRANT_TYP', { header: { typ: 'JWT' } }],
    ['ERR_EXCHANGE_GRANT_MALFORMED', { header: { crit: ['a'] } }],
  ]
  const base = {
    header: { typ: 'authorization-grant+jwt', kid: '1' },
    claims: { iss: SHOP, sub: 'x', aud: BANK, iat: NOW, exp: NOW + 60, jti: 'j', client_id: PAYMENTS, scope: 'post' },
  }
  it.each(rowsOf(faults))('%s', async (code, index) => {
    const replay = fullStore()
    const grant = await forge(base, faults, index, world.signer)
    const { issuers, runtime } = world
    const options = { issuers, audience: BANK, client: payments, scope: undefined, replay, runtime }
    expect(await codeOf(verifyAuthorizationGrant(grant, options))).toBe(code)
    expect(replay.asked()).toBe(index === 0 ? 1 : 0)
  })
})

describe('of several faults of deferred work the earliest decides', () => {
  const faults: Faults = [
    ['ERR_EXCHANGE_GRANT_CLAIM', { claims: { wimse_ts_deferral: 'x' } }],
    ['ERR_EXCHANGE_GRANT_JTI', { claims: { jti: '' } }],
    ['ERR_EXCHANGE_GRANT_SUBJECT', { claims: { sub: '' } }],
    ['ERR_EXCHANGE_GRANT_NOT_YET', { claims: { nbf: NOW + 10 } }],
    ['ERR_EXCHANGE_GRANT_EXPIRED', { claims: { exp: NOW } }],
    ['ERR_EXCHANGE_GRANT_AUD', { claims: { aud: BANK } }],
    ['ERR_EXCHANGE_GRANT_SIGNATURE', { stranger: true }],
    ['ERR_EXCHANGE_GRANT_KEY_UNKNOWN', { header: { kid: '2' } }],
    ['ERR_EXCHANGE_GRANT_ISSUER', { claims: { iss: BANK } }],
    ['ERR_EXCHANGE_GRANT_ALG', { header: { alg: 'HS256' } }],
    ['ERR_EXCHANGE_GRANT_TYP', { header: { typ: 'JWT' } }],
    ['ERR_EXCHANGE_GRANT_MALFORMED', { header: { crit: ['a'] } }],
  ]
  const limits = { amount: { at_most: 1 } }
  const claims = {
    iss: SHOP,
    aud: SHOP,
    sub: 'x',
    iat: NOW - 60,
    nbf: NOW - 60,
    exp: NOW + 60,
    jti: 'j',
    txn: 't',
    scope: 'pay',
    requester: ORDERS,
  }
  const deferred = { subject_token_type: 'a:b', worker: PAYMENTS, action: 'settle', limits, uses: 2 }
  const base = { header: { typ: 'wimse-ts-deferred-grant+jwt', kid: '1' }, claims: { ...claims, wimse_ts_deferral: deferred } }
  const verify = (token: string): ReturnType<typeof verifyDeferredGrant> =>
    verifyDeferredGrant(token, { issuers: world.issuers, issuer: SHOP, runtime: world.runtime })

  it.each(rowsOf(faults))('of a grant: %s', async (code, index) => {
    expect(await codeOf(verify(await forge(base, faults, index, world.signer)))).toBe(code)
  })

  it('of a redemption', async () => {
    const grant = await verify(await world.forge(base))
    const orders = await world.clientOf(world.orders)
    const right = {
      client: payments,
      details: { use: '1', parameters: { amount: 1 } },
      scope: ['pay'],
      permittedScope: ['pay'],
      members: ['amount'],
    }
    const rows: readonly (readonly [ErrorCode, Partial<RedemptionRequest>])[] = [
      ['ERR_EXCHANGE_SCOPE', { permittedScope: [] }],
      ['ERR_EXCHANGE_GRANT_PARAMETERS', { details: { use: '1', parameters: { amount: 2 } } }],
      ['ERR_EXCHANGE_PARAMETER_MALFORMED', { details: { use: '', parameters: { amount: 2 } } }],
      ['ERR_EXCHANGE_PARAMETER_UNKNOWN', { details: { use: '', other: 1 } }],
      ['ERR_EXCHANGE_GRANT_CLIENT', { client: orders }],
    ]
    const { runtime } = world
    for (const [index, [code]] of rows.entries()) {
      const changes: Partial<RedemptionRequest> = Object.assign({}, ...rows.slice(0, index + 1).map(([, change]) => change))
      const request = { trustDomain: payments.trustDomain, runtime, ...right, ...changes }
      expect(await codeOf(checkRedemption(grant, request))).toBe(code)
    }
  })
})

describe('of several faults of an access token the earliest decides', () => {
  const faults: Faults = [
    ['ERR_EXCHANGE_ACCESS_TOKEN_SCOPE', { claims: { scope: 'read' } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_PROOF', { claims: { cnf: { jkt: 'A'.repeat(43) } } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_UNBOUND', { claims: { cnf: undefined } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_CLAIM', { claims: { act: 'x' } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_AUD', { claims: { aud: SHOP } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED', { claims: { exp: NOW - 1000 } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE', { stranger: true }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_ISSUER', { claims: { iss: BANK } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_ALG', { header: { alg: 'none' } }],
    ['ERR_EXCHANGE_ACCESS_TOKEN_TYP', { header: { typ: 'JWT' } }],
  ]
  it.each(rowsOf(faults))('%s', async (code, index) => {
    const wit = await world.verifyWit(world.payments.token)
    const claims = { iss: SHOP, sub: 'x', aud: LEDGER, iat: NOW, exp: NOW + 60, scope: 'post', cnf: { jkt: wit.confirmation.thumbprint } }
    const token = await forge({ header: { typ: 'at+jwt', kid: '1' }, claims }, faults, index, world.signer)
    const { issuers, runtime } = world
    const options = { issuers, audience: LEDGER, proof: proofOf(wit), requiredScope: ['post'], runtime }
    expect(await codeOf(verifyAccessToken(token, options))).toBe(code)
  })
})

describe('of several faults of a proof of possession the earliest decides', () => {
  const faults: Faults = [
    ['ERR_EXCHANGE_POP_REPLAYED', {}],
    ['ERR_EXCHANGE_ATTESTATION_CHALLENGE', { claims: { challenge: 'old' } }],
    ['ERR_EXCHANGE_POP_JTI', { claims: { jti: '' } }],
    ['ERR_EXCHANGE_POP_IAT', { claims: { iat: NOW - 1000 } }],
    ['ERR_EXCHANGE_POP_AUD', { claims: { aud: BANK } }],
    ['ERR_EXCHANGE_POP_SIGNATURE', { stranger: true }],
    ['ERR_EXCHANGE_POP_ALG', { header: { alg: 'none' } }],
    ['ERR_EXCHANGE_POP_TYP', { header: { typ: 'JWT' } }],
    ['ERR_EXCHANGE_POP_MALFORMED', { header: { crit: ['a'] } }],
  ]
  const base = { header: { typ: 'oauth-client-attestation-pop+jwt' }, claims: { aud: SHOP, iat: NOW, jti: 'j', challenge: 'now' } }
  it.each(rowsOf(faults))('ATT-9.7-01: %s', async (code, index) => {
    const replay = fullStore()
    const proof = await forge(base, faults, index, world.payments.signer)
    const fields = [
      [ATTESTATION_FIELDS.attestation, world.payments.token],
      [ATTESTATION_FIELDS.proof, proof],
    ] as const
    const challenges = { accepts: (challenge: string) => challenge === 'now' }
    const { authenticate } = world.authenticator({ wit: { verifyWit: world.verifyWit, replay, challenges } })
    // The wrong client_id is found only after the credential.
    const parameters = { clientId: ORDERS, assertion: undefined, assertionType: undefined }
    expect(await codeOf(authenticate({ fields, parameters }))).toBe(code)
    expect(replay.asked()).toBe(index === 0 ? 1 : 0)
  })
})

it('of several faults of a delegation the earliest decides', async () => {
  const policy = createDelegationPolicy({ delegation: [{ actors: [ORDERS], subjects: ['alice'], targets: [LEDGER], scope: ['post'] }] })
  const faults: readonly (readonly [ErrorCode, Changes, Changes])[] = [
    ['ERR_EXCHANGE_SCOPE', { scope: 'read' }, {}],
    ['ERR_EXCHANGE_DELEGATION_DENIED', { sub: 'bob' }, {}],
    ['ERR_EXCHANGE_ACTOR_REPEATED', { act: { sub: ORDERS } }, {}],
    ['ERR_EXCHANGE_MAY_ACT', { may_act: { sub: PAYMENTS } }, {}],
    ['ERR_EXCHANGE_ACTOR', {}, { sub: '' }],
    ['ERR_EXCHANGE_ACTOR_CHAIN', { act: 'x' }, {}],
    ['ERR_EXCHANGE_SUBJECT_TOKEN', { exp: undefined }, {}],
  ]
  for (const [index, [code]] of faults.entries()) {
    const present = faults.slice(0, index + 1)
    const subject = Object.assign({ sub: 'alice', scope: 'post', exp: NOW + 60 }, ...present.map(([, change]) => change))
    const actor = Object.assign({ sub: ORDERS }, ...present.map(([, , change]) => change))
    expect(await codeOf(() => delegate({ subject, actor, target: LEDGER, scope: undefined, policy }))).toBe(code)
  }
})
