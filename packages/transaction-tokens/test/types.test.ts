import type { VerifiedHttpSignature } from '@wimse/http-signature'
import type { VerifiedJwtSvid } from '@wimse/jwt-svid'
import type { VerifiedWpt } from '@wimse/wpt'
import { describe, expectTypeOf, it } from 'vitest'
import type {
  BoundTransactionToken,
  bindTransactionToken,
  replaceTransactionToken,
  TransactionTokenProof,
  TransactionTokenVerifier,
  VerifiedTransactionToken,
  withTransactionToken,
} from '../src/index.ts'

/** What someone could write down without a verifier. */
type Forged = Pick<
  VerifiedTransactionToken,
  | 'token'
  | 'hash'
  | 'trustDomain'
  | 'transaction'
  | 'subject'
  | 'scope'
  | 'requestingWorkloads'
  | 'transactionContext'
  | 'requesterContext'
  | 'issuedAt'
  | 'expiresAt'
  | 'refusedFrom'
  | 'issuer'
  | 'claims'
>

describe('the way from a token to a context', () => {
  it('TXN-12.2-01: a verified transaction token comes from a verifier, and from nothing that one could write', () => {
    expectTypeOf<TransactionTokenVerifier>().returns.resolves.toEqualTypeOf<VerifiedTransactionToken>()
    expectTypeOf<Forged>().not.toExtend<VerifiedTransactionToken>()
    expectTypeOf<string>().not.toExtend<VerifiedTransactionToken>()
  })

  it('TXN-12.2-01: binding, passing on and replacing take nothing else', () => {
    expectTypeOf<typeof bindTransactionToken>().parameter(0).toEqualTypeOf<VerifiedTransactionToken>()
    expectTypeOf<typeof withTransactionToken>().parameter(1).toEqualTypeOf<VerifiedTransactionToken | BoundTransactionToken>()
    expectTypeOf<typeof replaceTransactionToken>().parameter(0).toEqualTypeOf<VerifiedTransactionToken>()
  })

  it('TXN-13.12-01: a bound one comes with a proof, and a verified one is none', () => {
    expectTypeOf<typeof bindTransactionToken>().returns.toEqualTypeOf<BoundTransactionToken>()
    expectTypeOf<VerifiedTransactionToken>().not.toExtend<BoundTransactionToken>()
    expectTypeOf<Pick<BoundTransactionToken, 'token' | 'caller' | 'proof'>>().not.toExtend<BoundTransactionToken>()
    expectTypeOf<VerifiedWpt>().toExtend<TransactionTokenProof>()
    expectTypeOf<VerifiedJwtSvid>().toExtend<TransactionTokenProof>()
    expectTypeOf<VerifiedHttpSignature>().toExtend<TransactionTokenProof>()
    expectTypeOf<VerifiedTransactionToken>().not.toExtend<TransactionTokenProof>()
  })
})
