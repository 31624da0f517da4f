import { type JsonObject, parseStrictJsonObject, utf8, WimseError, withCode } from '@wimse/core'
import { type EndpointRequest, type FormParameters, readForm, viewOf } from '../protocol/form-parameters.ts'
import { DEFAULT_MAX_REQUEST_BYTES, GRANT_TYPES } from '../protocol/names.ts'
import { parseScope } from '../protocol/scope.ts'
import { isAbsoluteUri } from '../protocol/uri.ts'
import type { TypedToken } from './token-exchange-request.ts'

/** What a client says of itself in the form. Nothing of it is verified. */
export interface ClientParameters {
  readonly clientId: string | undefined
  readonly assertionType: string | undefined
  readonly assertion: string | undefined
}

/** A well-formed request of a token exchange. Nothing of it is verified. */
export interface TokenExchangeParameters {
  readonly grantType: typeof GRANT_TYPES.tokenExchange
  readonly subjectToken: TypedToken
  readonly actorToken: TypedToken | undefined
  /** In the order of the request (TEX-2.1-09, TEX-2.1-12). */
  readonly audiences: readonly string[]
  readonly resources: readonly string[]
  readonly scope: readonly string[] | undefined
  readonly requestedTokenType: string | undefined
  readonly requestContext: JsonObject | undefined
  readonly requestDetails: JsonObject | undefined
  readonly client: ClientParameters
}

/** A well-formed request to redeem a grant. Nothing of it is verified. */
export interface JwtBearerParameters {
  readonly grantType: typeof GRANT_TYPES.jwtBearer
  readonly assertion: string
  readonly scope: readonly string[] | undefined
  readonly resources: readonly string[]
  readonly client: ClientParameters
}

/** Options of {@link parseTokenRequest}. */
export interface ParseTokenRequestOptions {
  /** The grant types of this endpoint; any other is `unsupported_grant_type`. */
  readonly grantTypes: readonly (TokenExchangeParameters['grantType'] | JwtBearerParameters['grantType'])[]
  /** Types of subject tokens that this service can verify (TEX-2.1-17). */
  readonly subjectTokenTypes: readonly string[]
  /** Types of actor tokens; none unless told. */
  readonly actorTokenTypes?: readonly string[]
  /** Types of tokens that can be asked for; without it any URI is handed on. */
  readonly requestedTokenTypes?: readonly string[]
  /** Targets in one request: 4 unless told (TEX-2.1.1-03). */
  readonly maxTargets?: number
  /** Octets of one token: 16,384 unless told. */
  readonly maxTokenBytes?: number
  /** RFC 6749 section 3.2 ignores parameters that a server doesn't know; they are refused unless told. */
  readonly unknownParameters?: 'refuse' | 'ignore'
  /** Octets of the body: 65,536 unless told. */
  readonly maxRequestBytes?: number
}

export const DEFAULT_MAX_TARGETS = 4
export const DEFAULT_MAX_EXCHANGED_TOKEN_BYTES = 16_384
const MAX_NAME_BYTES = 2048
/** Octets of UTF-8 for each unit of a text in memory, at most. */
const MAX_OCTETS_PER_UNIT = 3

/** What a client may say of itself in a form. */
export const CLIENT_PARAMETERS: readonly string[] = ['client_id', 'client_assertion', 'client_assertion_type']
const EXCHANGE = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'audience',
  'resource',
  'scope',
  'requested_token_type',
  'request_context',
  'request_details',
]
const BEARER = ['assertion', 'scope', 'resource']
const KNOWN = new Set(['grant_type', ...CLIENT_PARAMETERS, ...EXCHANGE, ...BEARER])
const REPEATABLE = new Set(['audience', 'resource'])

/**
 * Reads a request to the token endpoint, of either grant type. In order: the form by the rules of its encoding (TEX-2.1-01); `grant_type`
 * (TEX-2.1-04, CHN-2.4.1-01); parameters of the other grant type, which are refused as unknown ones are; what has to be there (TEX-2.1-16,
 * TEX-2.1-17, TEX-2.1-19, TEX-2.1-20, CHN-2.4.1-02); the size of tokens and names; types (TEX-3-01), resources (TEX-2.1-06, TEX-2.1-08),
 * the number of targets (TEX-2.1.1-03), scope, `request_context` and `request_details`, which are JSON objects. It is not verified who the
 * client is, nor any token.
 *
 * @throws WimseError `ERR_EXCHANGE_…` with the OAuth error as reason, `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED`
 * @see RFC 8693, section 2.1; RFC 7523, section 2.1
 */
export async function parseTokenRequest(
  request: EndpointRequest,
  options: ParseTokenRequestOptions,
): Promise<TokenExchangeParameters | JwtBearerParameters> {
  const { unknownParameters = 'refuse', maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES, grantTypes } = options
  const { maxTargets = DEFAULT_MAX_TARGETS, maxTokenBytes = DEFAULT_MAX_EXCHANGED_TOKEN_BYTES } = options
  // A limit that is no number would limit nothing.
  if (!(maxRequestBytes > 0 && maxTargets >= 0 && maxTokenBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a limit' })
  const form = await readForm(viewOf(request), { known: KNOWN, repeatable: REPEATABLE, unknownParameters, maxRequestBytes })
  const grantType = form.get('grant_type')?.[0]
  if (grantType === undefined) throw missing('grant_type')
  if (grantType === GRANT_TYPES.tokenExchange && grantTypes.includes(grantType)) return exchangeParameters(form, options)
  if (grantType === GRANT_TYPES.jwtBearer && grantTypes.includes(grantType)) return bearerParameters(form, options)
  throw new WimseError('ERR_EXCHANGE_GRANT_TYPE')
}

/** As {@link parseTokenRequest}, for an endpoint that only exchanges. @throws WimseError as {@link parseTokenRequest} */
export async function parseTokenExchangeRequest(
  request: EndpointRequest,
  options: Omit<ParseTokenRequestOptions, 'grantTypes'>,
): Promise<TokenExchangeParameters> {
  const parameters = await parseTokenRequest(request, { ...options, grantTypes: [GRANT_TYPES.tokenExchange] })
  if (parameters.grantType !== GRANT_TYPES.tokenExchange) throw new WimseError('ERR_EXCHANGE_GRANT_TYPE')
  return parameters
}

/** As {@link parseTokenRequest}, for an endpoint that only redeems grants. @throws WimseError as {@link parseTokenRequest} */
export async function parseJwtBearerRequest(
  request: EndpointRequest,
  options: Pick<ParseTokenRequestOptions, 'maxTargets' | 'maxTokenBytes' | 'unknownParameters' | 'maxRequestBytes'> = {},
): Promise<JwtBearerParameters> {
  const parameters = await parseTokenRequest(request, { ...options, subjectTokenTypes: [], grantTypes: [GRANT_TYPES.jwtBearer] })
  if (parameters.grantType !== GRANT_TYPES.jwtBearer) throw new WimseError('ERR_EXCHANGE_GRANT_TYPE')
  return parameters
}

function exchangeParameters(form: FormParameters, options: ParseTokenRequestOptions): TokenExchangeParameters {
  refuseOthers(form, EXCHANGE, options)
  const { maxTokenBytes = DEFAULT_MAX_EXCHANGED_TOKEN_BYTES } = options
  const subjectToken = typedToken(form, 'subject_token', options.subjectTokenTypes, maxTokenBytes)
  // TEX-2.1-16, TEX-2.1-17
  if (subjectToken === undefined) throw missing('subject_token')
  const requestedTokenType = form.get('requested_token_type')?.[0]
  if (requestedTokenType !== undefined) checkType(requestedTokenType, options.requestedTokenTypes)
  return {
    grantType: GRANT_TYPES.tokenExchange,
    subjectToken,
    actorToken: typedToken(form, 'actor_token', options.actorTokenTypes ?? [], maxTokenBytes),
    ...targetsOf(form, options),
    scope: scopeOf(form),
    requestedTokenType,
    requestContext: jsonOf(form, 'request_context', maxTokenBytes),
    requestDetails: jsonOf(form, 'request_details', maxTokenBytes),
    client: clientOf(form, maxTokenBytes),
  }
}

function bearerParameters(form: FormParameters, options: ParseTokenRequestOptions): JwtBearerParameters {
  refuseOthers(form, BEARER, options)
  const { maxTokenBytes = DEFAULT_MAX_EXCHANGED_TOKEN_BYTES } = options
  const assertion = tokenOf(form, 'assertion', maxTokenBytes)
  // CHN-2.4.1-02
  if (assertion === undefined) throw missing('assertion')
  const { resources } = targetsOf(form, options)
  return { grantType: GRANT_TYPES.jwtBearer, assertion, scope: scopeOf(form), resources, client: clientOf(form, maxTokenBytes) }
}

/** Parameters of the other grant type are unknown to this one. */
function refuseOthers(form: FormParameters, own: readonly string[], { unknownParameters }: ParseTokenRequestOptions): void {
  if (unknownParameters === 'ignore') return
  for (const name of form.keys()) {
    if (name !== 'grant_type' && !CLIENT_PARAMETERS.includes(name) && !own.includes(name)) {
      throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: name })
    }
  }
}

function typedToken(form: FormParameters, name: string, types: readonly string[], maxBytes: number): TypedToken | undefined {
  const token = tokenOf(form, name, maxBytes)
  const type = form.get(`${name}_type`)?.[0]
  if (token === undefined && type === undefined) return undefined
  // TEX-2.1-17, TEX-2.1-19
  if (type === undefined) throw missing(`${name}_type`)
  // TEX-2.1-20
  if (token === undefined) throw missing(name)
  checkType(type, types)
  return { token, type }
}

function checkType(type: string, types: readonly string[] | undefined): void {
  // TEX-3-01
  if (types === undefined ? !isAbsoluteUri(type) : !types.includes(type)) throw new WimseError('ERR_EXCHANGE_TOKEN_TYPE')
}

/** For the package alone, as what follows. @throws WimseError `ERR_EXCHANGE_PARAMETER_TOO_LARGE` */
export function tokenOf(form: FormParameters, name: string, maxBytes: number): string | undefined {
  const token = form.get(name)?.[0]
  if (token !== undefined && !fits(token, maxBytes)) throw new WimseError('ERR_EXCHANGE_PARAMETER_TOO_LARGE', { detail: name })
  return token
}

/** Whether a text has at most so many octets; it is encoded only where its length leaves that open. */
function fits(text: string, maxBytes: number): boolean {
  if (text.length * MAX_OCTETS_PER_UNIT <= maxBytes) return true
  return text.length <= maxBytes && utf8(text).length <= maxBytes
}

function targetsOf(
  form: FormParameters,
  { maxTargets = DEFAULT_MAX_TARGETS }: ParseTokenRequestOptions,
): { readonly audiences: readonly string[]; readonly resources: readonly string[] } {
  const audiences = form.get('audience') ?? []
  const resources = form.get('resource') ?? []
  // TEX-2.1.1-03
  if (audiences.length + resources.length > maxTargets) throw new WimseError('ERR_EXCHANGE_TARGET', { detail: 'too many' })
  if (audiences.some((audience) => audience.length > MAX_NAME_BYTES)) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_TOO_LARGE', { detail: 'audience' })
  }
  // TEX-2.1-06, TEX-2.1-08
  if (!resources.every(isAbsoluteUri)) throw new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: 'resource' })
  return { audiences, resources }
}

function scopeOf(form: FormParameters): readonly string[] | undefined {
  const scope = form.get('scope')?.[0]
  return scope === undefined ? undefined : parseScope(scope)
}

function jsonOf(form: FormParameters, name: string, maxBytes: number): JsonObject | undefined {
  const text = tokenOf(form, name, maxBytes)
  if (text === undefined) return undefined
  return withCode('ERR_EXCHANGE_PARAMETER_MALFORMED', () => parseStrictJsonObject(utf8(text), { maxBytes }))
}

export function clientOf(form: FormParameters, maxBytes: number): ClientParameters {
  const clientId = form.get('client_id')?.[0]
  if (clientId !== undefined && clientId.length > MAX_NAME_BYTES) {
    throw new WimseError('ERR_EXCHANGE_PARAMETER_TOO_LARGE', { detail: 'client_id' })
  }
  return { clientId, assertionType: form.get('client_assertion_type')?.[0], assertion: tokenOf(form, 'client_assertion', maxBytes) }
}

function missing(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail })
}
