import {
  type FieldLines,
  type IdentifierPattern,
  isWimseError,
  type JsonObject,
  type MaybePromise,
  matchesAny,
  parseIdentifierPattern,
  parseWorkloadIdentifier,
  type Runtime,
  recode,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { type VerifyJwtSvidOptions, verifyJwtSvid } from '@wimse/jwt-svid'
import { defaultRuntime, type SignatureAlgorithm, type Verifier } from '@wimse/keys'
import { keyAuthority } from '@wimse/trust'
import { assertVerifiedWit, DEFAULT_CLOCK_TOLERANCE_SECONDS, MAX_CLOCK_TOLERANCE_SECONDS, type VerifiedWit } from '@wimse/wit'
import type { ClientParameters } from '../exchange/parse-token-request.ts'
import { JWT_SPIFFE_ASSERTION_TYPE } from '../protocol/names.ts'
import { checkIssuer } from '../protocol/uri.ts'
import {
  type AuthenticatedClient,
  authenticatedClient,
  type ClientAuthenticationMethod,
  type Confirmation,
} from './authenticated-client.ts'
import { type AttestationRules, DEFAULT_MAX_PROOF_AGE_SECONDS, hasAttestation, verifyAttestation } from './verify-attestation-proof.ts'

/**
 * What mutual TLS says about the connection of a request. That the certificate is a leaf with one URI name, fit to sign, with a path to the
 * bundle of its own trust domain is established before: `@wimse/mutual-tls` and `verifyX509Svid` of `@wimse/x509` do.
 */
export interface ClientConnection {
  /** From the one URI name of the certificate. */
  readonly identifier: WorkloadIdentifier
  /** SHA-256 of the leaf in DER, base64url: what tokens are bound to. See `certificateThumbprint`. */
  readonly certificateThumbprint?: string
  /** The key of the leaf as a public JWK, for clients that sign something themselves; asked for only then. */
  readonly publicJwk?: () => unknown
}

/** A peer that was authenticated by a WPT or an HTTP signature on this request, such as the authenticator of `@wimse/workload` gives it. */
export interface ProvenPeer {
  readonly identifier: WorkloadIdentifier
  readonly proofs: readonly { readonly kind: string; readonly wit?: VerifiedWit }[]
}

/** A request as far as it says who its client is. */
export interface ClientRequest {
  readonly fields: FieldLines
  readonly parameters: ClientParameters
  readonly connection?: ClientConnection
  readonly peer?: ProvenPeer
}

/** Options of {@link createClientAuthenticator}. Each method is taken only where its member is there (SCA-4-02). */
export interface ClientAuthenticatorOptions {
  /** This server's issuer identifier: the one audience of assertions and proofs (JAS-4-05, JAS-4-06, SCA-3.1-08). */
  readonly issuer: string
  /** Who is admitted: identifiers, or patterns that end in `/*`. There are no other records of clients (SCA-5-02). */
  readonly admit: readonly string[]
  /** JWT-SVIDs as client assertions. */
  readonly jwtSvid?: Pick<VerifyJwtSvidOptions, 'trust' | 'algorithms' | 'maxLifetimeSeconds' | 'maxTokenBytes'>
  /** WITs as client attestation. */
  readonly wit?: AttestationRules
  /** X.509-SVIDs: connections that the caller has verified. */
  readonly x509?: true
  /** WIMSE proofs: peers that the caller has authenticated. */
  readonly wimse?: true
  /** 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  readonly runtime?: Runtime
}

/** Authenticates the clients of one authorization server. */
export interface ClientAuthenticator {
  /** For `token_endpoint_auth_methods_supported` (SCA-4-01, SCA-4-03); `wimse` has no registered name there. */
  readonly methods: readonly ClientAuthenticationMethod[]
  authenticate(request: ClientRequest): Promise<AuthenticatedClient>
}

interface Claimed {
  readonly method: ClientAuthenticationMethod
  readonly identifier: WorkloadIdentifier
  readonly confirmation: Confirmation | undefined
  readonly keyFor: AuthenticatedClient['keyFor']
  readonly claims: JsonObject
}

/**
 * Makes the authenticator of a token endpoint. A request is judged in this order: one way of authenticating in the message, an assertion, an
 * attestation or the peer that a WIMSE proof names, not two of them (RFC 6749 section 2.3); else the connection, which beside another way only
 * carries the request. Then the credential by the
 * rules of its kind (SCA-8.1-05): JWT-SVID (SCA-3.1-04, SCA-3.1-05, SCA-3.1-06, SCA-3.1-07, SCA-3.1-09, the issuer as sole audience
 * SCA-3.1-08, JAS-4-05, JAS-4-07, JAS-4-08), WIT with its proof (SCA-3.3.1-01, SCA-3.3.1-02, SCA-3.3.1-03, SCA-3.3.1-04), connection, peer.
 * Then `client_id`, which is the exact identifier (SCA-3.1-10, SCA-3.1-14, SCA-3.2-12, SCA-3.2-15, ATT-7.1-06, ATT-7.5-01) and may be left
 * out only with a WIT or a proof (SCA-3.1-01, SCA-3.1-13, SCA-3.2-05). Last, admission by pattern (SCA-5.1-05, SCA-5.1-06, SCA-5.1-07,
 * SCA-5.1-08).
 *
 * Not done: metadata documents as `client_id` (SCA-3.1-11), keys found through `iss` (SCA-8.1-01, SCA-8.1-02), other assertion types. A
 * JWT-SVID is a bearer credential, may be presented again, and gives no key to bind tokens to.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`; `authenticate` throws `ERR_EXCHANGE_CLIENT_…`,
 *   `ERR_EXCHANGE_ATTESTATION_…`, `ERR_EXCHANGE_POP_…`, `ERR_TRUST_STALE`, `ERR_REPLAY_STORE_…`
 * @see https://datatracker.ietf.org/doc/draft-ietf-oauth-spiffe-client-auth/ section 3
 */
export function createClientAuthenticator(options: ClientAuthenticatorOptions): ClientAuthenticator {
  const { clockToleranceSeconds: toleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, runtime = defaultRuntime() } = options
  const issuer = checkIssuer(options.issuer)
  const admitted = options.admit.map(parseIdentifierPattern)
  const methods = methodsOf(options)
  if (methods.length === 0 || admitted.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'nobody could authenticate' })
  if (!(toleranceSeconds >= 0 && toleranceSeconds <= MAX_CLOCK_TOLERANCE_SECONDS)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  }
  // A limit that is no number would limit nothing.
  const { maxProofAgeSeconds = DEFAULT_MAX_PROOF_AGE_SECONDS, maxAttestationAgeSeconds = 0 } = options.wit ?? {}
  if (!(maxProofAgeSeconds > 0 && maxAttestationAgeSeconds >= 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'an age' })

  const claimedBy = async (request: ClientRequest): Promise<Claimed> => {
    const { fields, parameters, peer, connection } = request
    const asserted = parameters.assertion !== undefined || parameters.assertionType !== undefined
    const attested = hasAttestation(fields)
    const proven = peer !== undefined && options.wimse === true
    if ([asserted, attested, proven].filter(Boolean).length > 1) throw new WimseError('ERR_EXCHANGE_CLIENT_SEVERAL')
    if (asserted) return fromJwtSvid(parameters, { options, issuer, toleranceSeconds, runtime })
    if (attested) {
      if (options.wit === undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_METHOD')
      const wit = await ofClient(verifyAttestation(fields, options.wit, { issuer, toleranceSeconds, runtime }))
      return fromWit('spiffe_wit', wit)
    }
    if (proven) return fromPeer(peer)
    if (connection !== undefined && options.x509 === true) return fromConnection(connection, runtime)
    throw new WimseError(peer === undefined && connection === undefined ? 'ERR_EXCHANGE_CLIENT_MISSING' : 'ERR_EXCHANGE_CLIENT_METHOD')
  }

  return {
    methods,
    async authenticate(request) {
      const claimed = await claimedBy(request)
      checkClientId(request.parameters.clientId, claimed)
      checkAdmission(admitted, claimed.identifier)
      return authenticatedClient({ ...claimed, trustDomain: trustDomainOf(claimed.identifier) })
    },
  }
}

function methodsOf({ jwtSvid, wit, x509, wimse }: ClientAuthenticatorOptions): readonly ClientAuthenticationMethod[] {
  const methods: ClientAuthenticationMethod[] = []
  if (jwtSvid !== undefined) methods.push('spiffe_jwt')
  if (wit !== undefined) methods.push('spiffe_wit')
  if (x509 === true) methods.push('spiffe_x509')
  if (wimse === true) methods.push('wimse')
  return methods
}

interface AssertionContext {
  readonly options: ClientAuthenticatorOptions
  readonly issuer: string
  readonly toleranceSeconds: number
  readonly runtime: Runtime
}

async function fromJwtSvid(
  { assertion, assertionType }: ClientParameters,
  { options, issuer, toleranceSeconds, runtime }: AssertionContext,
): Promise<Claimed> {
  // SCA-3.1-04, SCA-3.1-05, JAS-3-01
  if (assertionType !== JWT_SPIFFE_ASSERTION_TYPE || options.jwtSvid === undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_METHOD')
  if (assertion === undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_CREDENTIAL', { detail: 'no assertion' })
  const rules = { ...options.jwtSvid, audience: issuer, clockToleranceSeconds: toleranceSeconds, runtime }
  // SCA-8.1-02, SCA-8.1-04: only the bundle of its trust domain makes a token an SVID; `iss` leads nowhere.
  const svid = await ofClient(verifyJwtSvid(assertion, rules))
  // SCA-3.1-08, JAS-4-05, JAS-4-08, JAS-5-02: the sole value, so that nobody else who got it can use it here.
  if (svid.audience.length !== 1) throw new WimseError('ERR_EXCHANGE_CLIENT_AUDIENCE')
  return { method: 'spiffe_jwt', identifier: svid.identifier, confirmation: undefined, keyFor: () => undefined, claims: svid.claims }
}

function fromWit(method: ClientAuthenticationMethod, wit: VerifiedWit): Claimed {
  const { identifier, confirmation: key, claims } = wit
  const keyFor = (algorithm: SignatureAlgorithm): Verifier | undefined => (key.algorithm === algorithm ? key : undefined)
  return { method, identifier, confirmation: { jkt: key.thumbprint }, keyFor, claims }
}

function fromPeer(peer: ProvenPeer): Claimed {
  const wit = peer.proofs.find(({ kind }) => kind === 'wpt' || kind === 'http-signature')?.wit
  if (wit === undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_METHOD', { detail: 'no proof of a WIT' })
  assertVerifiedWit(wit)
  if (wit.identifier !== peer.identifier) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'peer' })
  return fromWit('wimse', wit)
}

function fromConnection({ identifier, certificateThumbprint, publicJwk }: ClientConnection, runtime: Runtime): Claimed {
  const confirmation = certificateThumbprint === undefined ? undefined : { 'x5t#S256': certificateThumbprint }
  const keyFor = (algorithm: SignatureAlgorithm): MaybePromise<Verifier> | undefined => {
    if (publicJwk === undefined) return undefined
    const authority = keyAuthority(publicJwk(), { runtime })
    return authority.fits(algorithm) ? authority.verifier(algorithm) : undefined
  }
  return { method: 'spiffe_x509', identifier: parseWorkloadIdentifier(identifier), confirmation, keyFor, claims: {} }
}

function checkClientId(clientId: string | undefined, { method, identifier }: Claimed): void {
  // SCA-3.1-13, SCA-3.2-05
  const optional = method === 'spiffe_wit' || method === 'wimse'
  if (clientId === undefined && optional) return
  // SCA-3.1-11, SCA-3.1-14, SCA-3.2-07, SCA-3.2-15, ATT-7.1-06: also where it is the URL of a metadata document, which nobody reads here.
  if (clientId !== identifier) throw new WimseError('ERR_EXCHANGE_CLIENT_ID', { detail: clientId === undefined ? 'missing' : 'another' })
}

function checkAdmission(admitted: readonly IdentifierPattern[], identifier: WorkloadIdentifier): void {
  if (!matchesAny(admitted, identifier)) throw new WimseError('ERR_EXCHANGE_CLIENT_ADMISSION')
}

/** Failures of the credential are the client's; those of stores and configuration stay what they are. */
async function ofClient<T>(step: Promise<T>): Promise<T> {
  try {
    return await step
  } catch (error) {
    if (!isWimseError(error) || !/^ERR_(?:WIT|JWT_SVID|JWS|KEY|ALGORITHM)_/.test(error.code)) throw error
    const audience = error.code === 'ERR_JWT_SVID_AUD' || error.code === 'ERR_JWT_SVID_AUD_MISSING'
    throw recode(audience ? 'ERR_EXCHANGE_CLIENT_AUDIENCE' : 'ERR_EXCHANGE_CLIENT_CREDENTIAL', error)
  }
}
