import {
  type Audience,
  errorResponse,
  isWimseError,
  type ReplayStore,
  type RequestView,
  type ResponseView,
  type Runtime,
  recode,
  WimseError,
} from '@wimse/core'
import { createRequestVerifier, signResponse, type VerifiedHttpSignature } from '@wimse/http-signature'
import { readBearerField, verifyJwtSvid } from '@wimse/jwt-svid'
import { type AlgorithmPolicy, defaultRuntime } from '@wimse/keys'
import {
  type BoundTransactionToken,
  bindTransactionToken,
  readOptionalTransactionTokenField,
  type TransactionTokenVerifier,
} from '@wimse/transaction-tokens'
import type { TrustStore } from '@wimse/trust'
import { assertLiveCredential, createWitVerifier, readWitField, type WitCredential, type WitProfileName } from '@wimse/wit'
import { createWptVerifier } from '@wimse/wpt'
import {
  type AuthenticatedPeer,
  type AuthenticatedRequest,
  authenticatedPeer,
  type ConnectionPeer,
  type ProofKind,
  type VerifiedProof,
} from './authenticated-peer.ts'
import { type PresentedCredentials, presentedCredentials, refuseWitAsBearer } from './presented-credentials.ts'

/** How an authenticator takes transaction tokens. */
export interface TransactionTokenRules {
  /** Such as of `createTransactionTokenVerifier`. */
  readonly verify: TransactionTokenVerifier
  /** Whether a request without one is refused. */
  readonly required?: boolean
}

/** Options of {@link createAuthenticator}. */
export interface AuthenticatorOptions {
  readonly trust: TrustStore
  /** Whom this service is: its origin, or aliases. Never taken from a request. */
  readonly audience: Audience
  /** Shared by everyone who answers to that audience: a proof is for one use among them all. */
  readonly replay: ReplayStore
  /** Which proofs are taken; {@link DEFAULT_ACCEPTED_PROOFS} unless told. A proof that is present and not listed is no proof. */
  readonly accept?: readonly ProofKind[]
  /** `wimse` unless told. */
  readonly witProfile?: WitProfileName
  readonly algorithms?: AlgorithmPolicy
  /** Accepted issuers of WITs by trust domain. */
  readonly issuers?: Readonly<Record<string, readonly string[]>>
  /** Header fields with tokens or context that the application uses: refused when present and not bound by the proof. */
  readonly contextFields?: readonly string[]
  /** 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  /** Octets of a body that a signature covers, of request or response: 1 MiB unless told. */
  readonly maxBodyBytes?: number
  /** This service's own credential, to sign responses with. Without it a request for a signed response is refused. */
  readonly credential?: () => WitCredential
  /**
   * Which responses to signed requests are signed: those whose caller requires it, the default, or all (SIG-3.5-01, SIG-3.5-03,
   * SIG-3.5-08). A signed response is held back until its body is whole, which an endless stream never is: hence the default.
   */
  readonly signResponses?: 'when-required' | 'always'
  /**
   * The context of requests: a Txn-Token field that is there is verified, and has to be bound by a WPT or HTTP signature of its caller. Without
   * this the field is no more than octets that the proof covers, and `transaction` is undefined.
   */
  readonly transactionTokens?: TransactionTokenRules
  readonly runtime?: Runtime
}

/** What a workload is told to make an authenticator of its own: its trust and credential it has, and a replay store as well. */
export type RecipientOptions = Omit<AuthenticatorOptions, 'trust' | 'credential' | 'replay'> & Partial<Pick<AuthenticatorOptions, 'replay'>>

/** Finds out who made a request. */
export interface Authenticator {
  /**
   * In order: what is presented; a WIT in the Authorization field (CRED-5.1-13); the WIT; the HTTP signature; the WPT; whether the signed
   * response that a caller requires can be had; and, with `transactionTokens`, the transaction token: exactly one field and none in
   * Authorization, the token, and that a proof of this caller binds it.
   *
   * @param connection the peer of the TLS connection, where mutual TLS authenticated one
   * @throws WimseError the code of the first check that failed (CRED-5.2-01, WPT-2.1-01, SIG-3.6-01)
   */
  authenticate(request: RequestView, connection?: ConnectionPeer): Promise<AuthenticatedRequest>
  /**
   * The HTTP answer to a refusal: status, challenge and problem details. 401 with the challenge for a WPT that failed (WPT-2.1-02, WPT-2.1-04)
   * and, where WPTs are taken, for a WIT that failed or a proof that is missing; else 400 without one (CRED-5.2-02, CRED-5.2-04,
   * SIG-3.6-02, SIG-3.6-03, SIG-3.6-04), as for what is not about a credential (WPT-2.1-05). Errors of other kinds are thrown on.
   */
  refuse(error: unknown): Response
  /**
   * Finishes the answer to a refusal: signs it when the caller is known and requires that (SIG-3.5-02), which is so where nothing but its
   * transaction was refused; else leaves it as it is.
   *
   * @throws WimseError `ERR_HTTP_SIGNATURE_CANNOT_SIGN`
   */
  finishRefusal(error: unknown, response: ResponseView): Promise<ResponseView>
}

/** The proofs of possession that a message carries by itself. */
export const DEFAULT_ACCEPTED_PROOFS: readonly ProofKind[] = ['wpt', 'http-signature']

const PROOF_KINDS: readonly ProofKind[] = ['wpt', 'http-signature', 'mutual-tls', 'jwt-svid']

/**
 * Makes the one path from a raw request to a peer: credential, then proof, then peer. A request with a WIT has to prove it, by WPT, by
 * HTTP signature, or both, and then both have to hold for the same WIT. Without a WIT, a JWT-SVID as bearer or the TLS connection counts,
 * where `accept` lists it, the former first; a proof that lacks its WIT is refused and not passed over. A bearer token beside another proof
 * is not looked at: it says nothing about the caller (WPT-2.2-04). A WIT in the Authorization field is refused everywhere. Nothing of
 * the address, the path or the host name makes an identifier (ID-5-03). Authorization isn't judged here.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { trust, audience, replay, credential, algorithms, signResponses, transactionTokens, accept = DEFAULT_ACCEPTED_PROOFS } = options
  if (accept.length === 0 || !accept.every((kind) => PROOF_KINDS.includes(kind))) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'accept' })
  }
  if (signResponses === 'always' && credential === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'signResponses' })
  const runtime = options.runtime ?? defaultRuntime()
  const shared = {
    audience,
    replay,
    runtime,
    ...(options.clockToleranceSeconds !== undefined && { clockToleranceSeconds: options.clockToleranceSeconds }),
  }
  const contextFields = options.contextFields ?? []
  const policy = algorithms === undefined ? {} : { algorithms }
  const body = options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }
  const verifyWit = createWitVerifier({
    trust,
    profile: options.witProfile ?? 'wimse',
    runtime,
    ...policy,
    ...(options.issuers !== undefined && { issuers: options.issuers }),
    ...(options.clockToleranceSeconds !== undefined && { clockToleranceSeconds: options.clockToleranceSeconds }),
  })
  const verifyWpt = createWptVerifier({ ...shared, contextFields })
  const verifySignature = createRequestVerifier({ ...shared, ...policy, ...body, boundFields: contextFields })
  const takesWpt = accept.includes('wpt')
  const takesSignature = accept.includes('http-signature')

  const proofsOfWit = async (request: RequestView, presented: PresentedCredentials): Promise<VerifiedProof[]> => {
    const byWpt = presented.wpt && takesWpt
    // The signature of someone else stands in the way of no WPT; without a WPT the fields of a signature are judged as one.
    const bySignature = takesSignature && (presented.signature || (presented.signatureFields && !byWpt))
    if (!byWpt && !bySignature) throw missingProof(presented, takesWpt && !takesSignature)
    const wit = await verifyWit(readWitField(request.fields))
    const proofs: VerifiedProof[] = []
    // The signature goes first where there are both: it reads the body, and a WPT is spent by its verification.
    if (bySignature) proofs.push(await verifySignature(request, wit))
    if (byWpt) proofs.push(await verifyWpt(request, wit))
    return proofs
  }

  const proofsOf = async (request: RequestView, connection: ConnectionPeer | undefined): Promise<VerifiedProof[]> => {
    const presented = presentedCredentials(request.fields)
    if (presented.otherScheme) refuseWitAsBearer(request.fields)
    if (presented.wit) return proofsOfWit(request, presented)
    // WPT-2-01, SIG-3-12: a proof alone is broken, and nothing else that the request has makes up for that.
    if ((presented.wpt && takesWpt) || (presented.signature && takesSignature)) throw new WimseError('ERR_WIT_MISSING')
    if (presented.bearer && accept.includes('jwt-svid')) {
      return [await verifyJwtSvid(readBearerField(request.fields), { ...shared, ...policy, trust })]
    }
    if (connection !== undefined && accept.includes('mutual-tls')) {
      return [{ kind: 'mutual-tls', identifier: connection.identifier, expiresAt: connection.notAfter }]
    }
    throw new WimseError(presented.bearer ? 'ERR_POLICY_BEARER' : 'ERR_PROOF_MISSING')
  }

  const refused = new WeakMap<Error, AuthenticatedRequest['finish']>()

  const signingCredential = (): WitCredential => {
    if (credential === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
    const own = credential()
    assertLiveCredential(own, runtime)
    return own
  }

  return {
    async authenticate(request, connection) {
      const proofs = await proofsOf(request, connection)
      const [first, ...others] = proofs
      if (first === undefined) throw new WimseError('ERR_PROOF_MISSING')
      const signature = proofs.find((proof): proof is VerifiedHttpSignature => proof.kind === 'http-signature')
      // CRED-7-03: until here no identifier has left the verifiers.
      const peer = authenticatedPeer([first, ...others], connection)
      const signed = signature !== undefined && (signature.signedResponseRequired || signResponses === 'always') ? signature : undefined
      // SIG-3.5-04, SIG-3.5-05: known before the handler does anything.
      if (signed !== undefined) await orCannotSign(signingCredential)
      const finish = (response: ResponseView): Promise<ResponseView> => {
        if (signed === undefined) return Promise.resolve(response)
        return orCannotSign(async () => {
          const made = await signResponse(response, { request: signed, credential: signingCredential(), runtime, ...body })
          return made.response
        })
      }
      let transaction: BoundTransactionToken | undefined
      if (transactionTokens !== undefined) {
        try {
          transaction = await transactionOf(request, peer, transactionTokens)
        } catch (error) {
          if (error instanceof Error) refused.set(error, finish)
          throw error
        }
      }
      return { peer, transaction, request: signature?.message ?? request, finish }
    },
    refuse(error) {
      if (!isWimseError(error)) throw error
      return errorResponse(error.code, { takesWpt })
    },
    finishRefusal(error, response) {
      const finish = error instanceof Error ? refused.get(error) : undefined
      return finish === undefined ? Promise.resolve(response) : finish(response)
    },
  }
}

/** TXN-12.2-01: before anything is decided on its word. TXN-13.12-01: only once its presenter is known by a proof of its own, which binds it. */
async function transactionOf(
  { fields }: RequestView,
  { proofs }: AuthenticatedPeer,
  { verify, required = false }: TransactionTokenRules,
): Promise<BoundTransactionToken | undefined> {
  const token = readOptionalTransactionTokenField(fields)
  if (token !== undefined) return bindTransactionToken(await verify(token), proofs)
  if (required) throw new WimseError('ERR_TXN_TOKEN_MISSING')
  return undefined
}

function missingProof(presented: PresentedCredentials, onlyWpt: boolean): WimseError {
  // Another scheme where only a WPT would do is told as such (WPT-2-29).
  return new WimseError(onlyWpt && presented.otherScheme ? 'ERR_WPT_SCHEME' : 'ERR_PROOF_MISSING')
}

/** SIG-3.6-05: whatever keeps a response from being signed, the caller hears that it can't be, and the operator why. */
async function orCannotSign<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (!isWimseError(error) || error.code === 'ERR_HTTP_SIGNATURE_CANNOT_SIGN') throw error
    throw recode('ERR_HTTP_SIGNATURE_CANNOT_SIGN', error)
  }
}
