import type { Runtime } from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import type { TestRuntime } from '@wimse/testing'
import {
  createTransactionTokenVerifier,
  issueTransactionToken,
  staticTokenServiceKeys,
  type TransactionGrant,
  type TransactionTokenVerifier,
  type VerifyTransactionTokenOptions,
} from '@wimse/transaction-tokens'

export const STOREFRONT = 'spiffe://shop.example/storefront'
export const TXN = 'txn-token'

/** The token service of a trust domain, without any connection. */
export interface TokenService {
  /** A token without fault but for what is told. */
  issue(grant?: Partial<TransactionGrant>): Promise<string>
  verifier(options?: Partial<VerifyTransactionTokenOptions>): TransactionTokenVerifier
  readonly jwks: { readonly keys: readonly object[] }
}

export async function makeTokenService(runtime: Runtime | TestRuntime, trustDomain = 'shop.example'): Promise<TokenService> {
  const { signer }: { readonly signer: Signer } = await generateSigner('ES256', runtime)
  const jwks = { keys: [{ ...signer.publicJwk, kid: '1' }] }
  const keys = staticTokenServiceKeys({ [trustDomain]: jwks }, { runtime })
  return {
    jwks,
    issue(grant) {
      const whole = { trustDomain, subject: 'user:ada', scope: ['payments.charge'], requester: STOREFRONT, ...grant }
      return issueTransactionToken(whole, { signer, keyId: '1', runtime })
    },
    verifier: (options) => createTransactionTokenVerifier({ keys, audience: trustDomain, runtime, ...options }),
  }
}
