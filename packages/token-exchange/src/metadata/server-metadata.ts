import { isWimseError, type JsonObject, WimseError } from '@wimse/core'
import type { SignatureAlgorithm } from '@wimse/keys'
import type { ClientAuthenticationMethod } from '../client-auth/authenticated-client.ts'
import { jsonResponse, readJson } from '../protocol/json-response.ts'
import { GRANT_TYPES } from '../protocol/names.ts'
import { checkEndpoint, checkIssuer, type EndpointOptions, isAbsoluteUri } from '../protocol/uri.ts'

/** What an authorization server tells about itself. */
export interface ServerMetadata {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly jwksUri: string
  readonly grantTypes: readonly string[]
  /** Names that metadata knows; others are left out (SCA-4-01, SCA-4-03). */
  readonly authenticationMethods: readonly string[]
  /** Types that can be asked for to cross domains (CHN-3-01); a type that is missing may work all the same (CHN-3-03). */
  readonly chainingTokenTypes: readonly string[]
  /** Where challenges for proofs of possession are given (ATT-6.1-01). */
  readonly challengeEndpoint: string | undefined
  /** Where tokens are revoked (RFC 7009); clients authenticate as at the token endpoint (RFC 8414 section 2). */
  readonly revocationEndpoint: string | undefined
}

/** Options of {@link serverMetadataResponse}. */
export interface ServerMetadataOptions
  extends Omit<ServerMetadata, 'challengeEndpoint' | 'revocationEndpoint' | 'authenticationMethods'>,
    EndpointOptions {
  readonly authenticationMethods: readonly ClientAuthenticationMethod[]
  readonly challengeEndpoint?: string
  readonly revocationEndpoint?: string
  /** Of WITs and their proofs, where they are taken (ATT-8-01). */
  readonly attestationAlgorithms?: readonly SignatureAlgorithm[]
}

const REGISTERED: readonly ClientAuthenticationMethod[] = ['spiffe_jwt', 'spiffe_wit', 'spiffe_x509']

/**
 * The metadata document of an authorization server (RFC 8414 section 2), as members: issuer (JAS-4-06), endpoints, grant types, methods
 * (SCA-4-01, SCA-4-03), what can be asked for to cross domains (CHN-3-01), and, where WITs are taken, algorithms of both tokens and the one
 * proof method (ATT-8-01, ATT-7.6-01). An empty list is left out.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`
 */
export function serverMetadata(options: ServerMetadataOptions): JsonObject {
  const { issuer, tokenEndpoint, jwksUri, grantTypes, chainingTokenTypes, attestationAlgorithms = [] } = options
  const { challengeEndpoint, revocationEndpoint } = options
  for (const endpoint of [tokenEndpoint, jwksUri, challengeEndpoint, revocationEndpoint]) {
    if (endpoint !== undefined) checkEndpoint(endpoint, options)
  }
  const methods = options.authenticationMethods.filter((method) => REGISTERED.includes(method))
  const attested = methods.includes('spiffe_wit')
  if (attested && attestationAlgorithms.length === 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'attestationAlgorithms' })
  return {
    issuer: checkIssuer(issuer),
    token_endpoint: tokenEndpoint,
    jwks_uri: jwksUri,
    // There is no authorization endpoint.
    response_types_supported: [],
    grant_types_supported: grantTypes,
    ...(methods.length === 0 ? {} : { token_endpoint_auth_methods_supported: methods }),
    ...(chainingTokenTypes.length === 0 ? {} : { identity_chaining_requested_token_types_supported: chainingTokenTypes }),
    ...(challengeEndpoint === undefined ? {} : { challenge_endpoint: challengeEndpoint }),
    ...(revocationEndpoint === undefined ? {} : revocationMembers(revocationEndpoint, methods)),
    ...(attested
      ? {
          client_attestation_signing_alg_values_supported: attestationAlgorithms,
          client_attestation_pop_signing_alg_values_supported: attestationAlgorithms,
          client_attestation_pop_methods_supported: ['attestation_pop_jwt'],
        }
      : {}),
    tls_client_certificate_bound_access_tokens: methods.includes('spiffe_x509'),
  }
}

/** Without its own list of methods, clients would have to take it that they need a secret (RFC 8414 section 2). */
function revocationMembers(endpoint: string, methods: readonly string[]): JsonObject {
  return {
    revocation_endpoint: endpoint,
    ...(methods.length === 0 ? {} : { revocation_endpoint_auth_methods_supported: methods }),
  }
}

/** The document as a response. @throws WimseError as {@link serverMetadata} */
export function serverMetadataResponse(options: ServerMetadataOptions): Response {
  return jsonResponse(serverMetadata(options))
}

/**
 * Makes the request for the metadata of an authorization server (RFC 8414 section 3.1): `/.well-known/oauth-authorization-server` stands
 * between the host and the path of the issuer. Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`
 */
export function serverMetadataRequest(issuer: string, options: EndpointOptions = {}): Request {
  const { origin, pathname } = checkEndpoint(checkIssuer(issuer), options)
  const path = pathname === '/' ? '' : pathname
  const url = `${origin}/.well-known/oauth-authorization-server${path}`
  return new Request(url, { headers: { accept: 'application/json' }, redirect: 'error' })
}

/**
 * Checks metadata. In order: status 200, JSON up to the limit, `issuer` the same text as the one that was asked for (JAS-1-01), endpoints
 * over https, lists of texts. What isn't known is ignored; a list that is missing is empty, but for `grant_types_supported`.
 *
 * @throws WimseError `ERR_EXCHANGE_METADATA`, `ERR_OPTIONS_INVALID`
 */
export async function processServerMetadataResponse(
  response: Response,
  options: EndpointOptions & { readonly issuer: string; readonly maxResponseBytes?: number },
): Promise<ServerMetadata> {
  const issuer = checkIssuer(options.issuer)
  if (response.status !== 200) throw new WimseError('ERR_EXCHANGE_METADATA', { detail: `status ${response.status}` })
  const body = await readJson(response, 'ERR_EXCHANGE_METADATA', options.maxResponseBytes)
  // JAS-1-01
  if (body['issuer'] !== issuer) throw new WimseError('ERR_EXCHANGE_METADATA', { detail: 'issuer' })
  const { challenge_endpoint: challenge, revocation_endpoint: revocation } = body
  return {
    issuer,
    tokenEndpoint: endpointOf(body['token_endpoint'], options),
    jwksUri: endpointOf(body['jwks_uri'], options),
    grantTypes: textsOf(body['grant_types_supported'] ?? [GRANT_TYPES.tokenExchange]),
    authenticationMethods: textsOf(body['token_endpoint_auth_methods_supported'] ?? []),
    chainingTokenTypes: textsOf(body['identity_chaining_requested_token_types_supported'] ?? []),
    challengeEndpoint: challenge === undefined ? undefined : endpointOf(challenge, options),
    revocationEndpoint: revocation === undefined ? undefined : endpointOf(revocation, options),
  }
}

/**
 * The first of a client's own methods that the server takes (SCA-4-06, SCA-4-07).
 *
 * @throws WimseError `ERR_EXCHANGE_METADATA` when there is none
 */
export function chooseAuthenticationMethod<T extends string>(
  metadata: Pick<ServerMetadata, 'authenticationMethods'>,
  own: readonly T[],
): T {
  const method = own.find((name) => metadata.authenticationMethods.includes(name))
  if (method === undefined) throw new WimseError('ERR_EXCHANGE_METADATA', { detail: 'no method in common' })
  return method
}

function endpointOf(value: unknown, options: EndpointOptions): string {
  try {
    if (isAbsoluteUri(value)) return checkEndpoint(value, options).href
  } catch (error) {
    if (!isWimseError(error)) throw error
  }
  throw new WimseError('ERR_EXCHANGE_METADATA', { detail: 'an endpoint' })
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value
  throw new WimseError('ERR_EXCHANGE_METADATA', { detail: 'a list' })
}
