import { type FieldLines, inMemoryReplayStore, parseTrustDomain, requestViewOfParts } from '@wimse/core'
import { signRequest, type VerifiedHttpSignature, verifyRequest } from '@wimse/http-signature'
import { generateSigner } from '@wimse/keys'
import { keyAuthority, staticTrust } from '@wimse/trust'
import { createWitCredential, issueWit, type VerifiedWit, verifyWit, WIT_FIELD, type WitCredential } from '@wimse/wit'
import { createWpt, type VerifiedWpt, verifyWpt } from '@wimse/wpt'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  assertBoundTransactionToken,
  type BoundTransactionToken,
  bindTransactionToken,
  type TransactionTokenProof,
  type VerifiedTransactionToken,
} from '../src/index.ts'
import { codeOf, createWorld, ORDERS, type World } from './support/world.ts'

const AUDIENCE = 'https://payments.shop.example'

/** A workload with a WIT, and the services' view of it. */
interface Caller {
  readonly credential: WitCredential
  readonly wit: VerifiedWit
}

let world: World
let orders: Caller
let ledger: Caller
let token: VerifiedTransactionToken
let other: VerifiedTransactionToken
beforeAll(async () => {
  world = await createWorld()
  orders = await callerOf(ORDERS, 'shop.example')
  ledger = await callerOf('spiffe://bank.example/ledger', 'bank.example')
  token = await world.verify(await world.forge())
  other = await world.verify(await world.forge({ claims: { txn: 'other' } }))
})

async function callerOf(subject: string, trustDomain: string): Promise<Caller> {
  const { runtime } = world
  const { signer: issuer } = await generateSigner('ES256', runtime)
  const { signer } = await generateSigner('ES256', runtime)
  const trust = staticTrust([
    { trustDomain: parseTrustDomain(trustDomain), witAuthorities: [keyAuthority({ ...issuer.publicJwk, kid: '1' })] },
  ])
  const grant = { profile: 'wit-svid', subject, confirmationKey: signer.publicJwk, lifetimeSeconds: 300 } as const
  const credential = createWitCredential(await issueWit(grant, { signer: issuer, keyId: '1', runtime }), signer)
  return { credential, wit: await verifyWit(credential.token, { trust, profile: 'wit-svid', runtime }) }
}

const replay = inMemoryReplayStore({ capacity: 1000 })

async function wptOf({ credential, wit }: Caller, bound: VerifiedTransactionToken | undefined): Promise<VerifiedWpt> {
  const { runtime } = world
  const options = bound === undefined ? {} : { transactionToken: bound.token }
  const authorization = await createWpt({ credential, audience: `${AUDIENCE}/charges`, runtime, ...options })
  const fields: FieldLines = [
    [WIT_FIELD, credential.token],
    ['authorization', authorization],
    ...(bound === undefined ? [] : [['txn-token', bound.token] as const]),
  ]
  return verifyWpt({ fields, path: '/charges' }, { wit, audience: AUDIENCE, replay, runtime })
}

async function signatureOf({ credential, wit }: Caller, bound: VerifiedTransactionToken | undefined): Promise<VerifiedHttpSignature> {
  const { runtime } = world
  const fields: FieldLines = bound === undefined ? [] : [['Txn-Token', bound.token]]
  const request = requestViewOfParts({ method: 'GET', scheme: 'https', authority: 'payments.shop.example', target: '/charges', fields })
  const signed = await signRequest(request, { credential, audience: `${AUDIENCE}/charges`, runtime })
  return verifyRequest(signed.request, { wit, audience: AUDIENCE, replay, runtime })
}

const proofs = [
  ['wpt', wptOf],
  ['http-signature', signatureOf],
] as const

describe.each(proofs)('a proof by %s', (kind, proofOf) => {
  it('WPT-2-18, WPT-2-39, SIG-3-11: binds the transaction token that it covers', async () => {
    const bound = bindTransactionToken(token, await proofOf(orders, token))
    expect({ ...bound }).toEqual({ token, caller: ORDERS, proof: kind })
    expect(() => assertBoundTransactionToken(bound)).not.toThrow()
  })

  it('WPT-2-39, TXN-13.12-01: binds no other transaction token', async () => {
    expect(await codeOf(async () => bindTransactionToken(other, await proofOf(orders, token)))).toBe('ERR_TXN_NOT_BOUND')
  })

  it('WPT-2-18: binds nothing where there was nothing', async () => {
    expect(await codeOf(async () => bindTransactionToken(token, await proofOf(orders, undefined)))).toBe('ERR_TXN_NOT_BOUND')
  })

  it('TXN-9.2-05: of a caller of another trust domain is refused', async () => {
    expect(await codeOf(async () => bindTransactionToken(token, await proofOf(ledger, token)))).toBe('ERR_TXN_CALLER')
  })

  it('counts where others say nothing of the token', async () => {
    const several = [{ kind: 'mutual-tls' } as const, await proofOf(orders, undefined), await proofOf(orders, token)]
    expect(bindTransactionToken(token, several).proof).toBe(kind)
  })

  it('is refused when its WIT is none, or of another workload', async () => {
    const proof = await proofOf(orders, token)
    expect(await codeOf(() => bindTransactionToken(token, { ...proof, wit: { ...proof.wit } }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => bindTransactionToken(token, { ...proof, wit: ledger.wit }))).toBe('ERR_OPTIONS_INVALID')
  })
})

it.each<readonly [title: string, proof: TransactionTokenProof | readonly TransactionTokenProof[]]>([
  ['nothing', []],
  ['a connection', { kind: 'mutual-tls' }],
  ['a bearer token', [{ kind: 'jwt-svid' }]],
])('TXN-13.12-01: a transaction token that comes with %s is bound to nobody', async (_title, proof) => {
  expect(await codeOf(() => bindTransactionToken(token, proof))).toBe('ERR_TXN_NOT_BOUND')
})

it('SIG-3-11: a signature over a transformed or another field covers no transaction token', async () => {
  const proof = await signatureOf(orders, token)
  for (const text of ['"txn-token";bs', '"txn-token";req', '"x-txn-token"', '"Txn-Token"']) {
    expect(await codeOf(() => bindTransactionToken(token, { ...proof, components: [{ text }] }))).toBe('ERR_TXN_NOT_BOUND')
  }
})

it('TXN-12.2-01: what nobody has verified is not bound', async () => {
  const proof = await wptOf(orders, token)
  expect(await codeOf(() => bindTransactionToken({ ...token }, proof))).toBe('ERR_OPTIONS_INVALID')
  const forged = { ...bindTransactionToken(token, proof) } as BoundTransactionToken
  expect(await codeOf(() => assertBoundTransactionToken(forged))).toBe('ERR_OPTIONS_INVALID')
})
