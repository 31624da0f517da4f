import {
  type Audience,
  errorResponse,
  isWimseError,
  type ReplayStore,
  type RequestView,
  type ResponseView,
  type Runtime,
  WimseError,
} from '@wimse/core'
import { createRequestVerifier, signResponse, type VerifiedHttpSignature } from '@wimse/http-signature'
import { readBearerField, verifyJwtSvid } from '@wimse/jwt-svid'
import { type AlgorithmPolicy, defaultRuntime } from '@wimse/keys'
import type { TrustStore } from '@wimse/trust'
import { createWitVerifier, readWitField, type VerifiedWit, type WitCredential, type WitProfileName } from '@wimse/wit'
import { createWptVerifier } from '@wimse/wpt'
import {
  type AuthenticatedRequest,
  authenticatedPeer,
  type ConnectionPeer,
  type ProofKind,
  type VerifiedProof,
} from './authenticated-peer.ts'
import { type PresentedCredentials, presentedCredentials, refuseWitAsBearer } from './presented-credentials.ts'

/** Options of {@link createAuthenticator}. */
export interface AuthenticatorOptions {
  readonly trust: TrustStore
  /** Whom this service is: its origin, or aliases. Never taken from a request. */
  readonly audience: Audience
  readonly replay: ReplayStore
  /** Which proofs are taken; `wpt` and `http-signature` unless told. A proof that is present and not listed is no proof. */
  readonly accept?: readonly ProofKind[]
  /** `wimse` unless told. */
  readonly witProfile?: WitProfileName
  readonly algorithms?: AlgorithmPolicy
  /** Accepted issuers of WITs by trust domain. */
  readonly issuers?: Readonly<Record<string, readonly string[]>>
  /** Header fields with tokens or context that the application uses: refused when present and not bound by the proof. */
  readonly contextFields?: readonly string[]
  readonly clockToleranceSeconds?: number
  readonly maxBodyBytes?: number
  /** This service's own credential, to sign responses with. Without it a request for a signed response is refused. */
  readonly credential?: () => WitCredential
  readonly runtime?: Runtime
}

/** Finds out who made a request. */
export interface Authenticator {
  /**
   * @param connection the peer of the TLS connection, where mutual TLS authenticated one
   * @throws WimseError the code of the first check that failed
   */
  authenticate(request: RequestView, connection?: ConnectionPeer): Promise<AuthenticatedRequest>
  /** The HTTP answer to a refusal: status, challenge and problem details (WPT-2.1-01, SIG-3.6-01). Errors of other kinds are thrown on. */
  refuse(error: unknown): Response
}

export const DEFAULT_ACCEPTED_PROOFS: readonly ProofKind[] = ['wpt', 'http-signature']

/**
 * Makes the one path from a raw request to a peer: credential, then proof, then peer. A request with a WIT has to prove it, by WPT, by
 * HTTP signature, or both, and then both have to hold for the same WIT. Without a WIT, a JWT-SVID as bearer or the TLS connection counts,
 * where `accept` lists it. A WIT in the Authorization field is refused everywhere. Authorization isn't judged here.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { trust, audience, replay, credential, algorithms, accept = DEFAULT_ACCEPTED_PROOFS } = options
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

  const proofsOfWit = async (request: RequestView, presented: PresentedCredentials): Promise<VerifiedProof[]> => {
    const byWpt = presented.wpt && takesWpt
    const bySignature = presented.signature && accept.includes('http-signature')
    if (!byWpt && !bySignature) throw missingProof(presented, accept)
    const wit = await verifyWit(readWitField(request.fields))
    const proofs: VerifiedProof[] = []
    // The signature goes first where there are both: it reads the body, and a WPT is spent by its verification.
    if (bySignature) proofs.push(await verifySignature(request, wit))
    if (byWpt) proofs.push(await verifyWpt(request, wit))
    return proofs
  }

  const proofsOf = async (request: RequestView, connection: ConnectionPeer | undefined): Promise<VerifiedProof[]> => {
    const presented = presentedCredentials(request.fields)
    if (presented.bearer) refuseWitAsBearer(request.fields)
    if (presented.wit) return proofsOfWit(request, presented)
    if (presented.wpt && takesWpt) throw new WimseError('ERR_WIT_MISSING')
    if (presented.bearer) {
      if (!accept.includes('jwt-svid')) throw new WimseError('ERR_POLICY_BEARER')
      return [await verifyJwtSvid(readBearerField(request.fields), { ...shared, ...policy, trust, audience })]
    }
    if (connection !== undefined && accept.includes('mutual-tls')) {
      return [{ kind: 'mutual-tls', identifier: connection.identifier, expiresAt: connection.notAfter }]
    }
    throw new WimseError(presented.signature ? 'ERR_WIT_MISSING' : 'ERR_PROOF_MISSING')
  }

  return {
    async authenticate(request, connection) {
      const proofs = await proofsOf(request, connection)
      const [first] = proofs
      if (first === undefined) throw new WimseError('ERR_PROOF_MISSING')
      const signature = proofs.find((proof): proof is VerifiedHttpSignature => proof.kind === 'http-signature')
      const peer = authenticatedPeer(first.identifier, proofs, claimsOf(first), connection)
      if (signature?.signedResponseRequired === true && credential === undefined) throw new WimseError('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
      return {
        peer,
        request: signature?.message ?? request,
        async finish(response: ResponseView): Promise<ResponseView> {
          if (signature?.signedResponseRequired !== true || credential === undefined) return response
          const signed = await signResponse(response, { request: signature, credential: credential(), runtime, ...body })
          return signed.response
        },
      }
    },
    refuse(error) {
      if (!isWimseError(error)) throw error
      return errorResponse(error.code, { takesWpt })
    },
  }
}

function missingProof(presented: PresentedCredentials, accept: readonly ProofKind[]): WimseError {
  // Another scheme where only a WPT would do is told as such (WPT-2-29).
  const onlyWpt = accept.includes('wpt') && !accept.includes('http-signature')
  return new WimseError(onlyWpt && presented.bearer ? 'ERR_WPT_SCHEME' : 'ERR_PROOF_MISSING')
}

function claimsOf(proof: VerifiedProof): VerifiedWit['claims'] {
  if (proof.kind === 'mutual-tls') return {}
  return proof.kind === 'jwt-svid' ? proof.claims : proof.wit.claims
}
