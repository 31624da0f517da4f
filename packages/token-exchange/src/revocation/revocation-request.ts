import { WimseError } from '@wimse/core'
import type { ClientAuthentication } from '../client-auth/client-authentication.ts'
import {
  CLIENT_PARAMETERS,
  type ClientParameters,
  clientOf,
  DEFAULT_MAX_EXCHANGED_TOKEN_BYTES,
  tokenOf,
} from '../exchange/parse-token-request.ts'
import { formRequest } from '../exchange/token-exchange-request.ts'
import { type EndpointRequest, readForm, viewOf } from '../protocol/form-parameters.ts'
import { throwRefusal } from '../protocol/json-response.ts'
import { DEFAULT_MAX_REQUEST_BYTES } from '../protocol/names.ts'
import { checkEndpoint, type EndpointOptions } from '../protocol/uri.ts'

/** What a client has no more use for. */
export interface RevocationRequestOptions extends EndpointOptions {
  readonly token: string
  readonly tokenTypeHint?: string
  readonly client?: ClientAuthentication
}

/** A well-formed request to revoke a token. Nothing of it is verified. */
export interface RevocationParameters {
  readonly token: string
  /** Servers find a token without it, too (RFC 7009 section 2.1). */
  readonly tokenTypeHint: string | undefined
  readonly client: ClientParameters
}

/** Options of {@link parseRevocationRequest}. */
export interface ParseRevocationRequestOptions {
  /** Octets of the token: 16,384 unless told. */
  readonly maxTokenBytes?: number
  readonly unknownParameters?: 'refuse' | 'ignore'
  /** Octets of the body: 65,536 unless told. */
  readonly maxRequestBytes?: number
}

const KNOWN: ReadonlySet<string> = new Set(['token', 'token_type_hint', ...CLIENT_PARAMETERS])
const NONE: ReadonlySet<string> = new Set()

/**
 * Makes the request that revokes a token at the server that issued it: a POST of a form. Nothing is sent.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_INSECURE_CHANNEL`
 * @see RFC 7009, section 2.1
 */
export function revocationRequest(endpoint: string | URL, options: RevocationRequestOptions): Request {
  const { token, tokenTypeHint, client } = options
  const url = checkEndpoint(endpoint, options)
  if (typeof token !== 'string' || token === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a token' })
  const hint: readonly (readonly [string, string])[] = tokenTypeHint === undefined ? [] : [['token_type_hint', tokenTypeHint]]
  return formRequest(url, [['token', token], ...hint], client)
}

/**
 * Checks the answer: 200, whose content says nothing (RFC 7009 section 2.2). It is also the answer for a token that the server doesn't know.
 *
 * @throws TokenEndpointRefusal, a WimseError with `ERR_EXCHANGE_REFUSED`
 */
export async function processRevocationResponse(
  response: Response,
  { maxResponseBytes }: { readonly maxResponseBytes?: number } = {},
): Promise<void> {
  if (response.status !== 200) await throwRefusal(response, maxResponseBytes)
  await response.body?.cancel()
}

/**
 * Reads a request to the revocation endpoint. In order: the form by the rules of its encoding, `token`, its size. It is not verified who the client
 * is, nor whose token it is.
 *
 * @throws WimseError `ERR_EXCHANGE_METHOD`, `ERR_EXCHANGE_CONTENT_TYPE`, `ERR_EXCHANGE_FORM`, `ERR_EXCHANGE_PARAMETER_…`,
 *   `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED`, `ERR_OPTIONS_INVALID`
 * @see RFC 7009, section 2.1
 */
export async function parseRevocationRequest(
  request: EndpointRequest,
  options: ParseRevocationRequestOptions = {},
): Promise<RevocationParameters> {
  const { maxTokenBytes = DEFAULT_MAX_EXCHANGED_TOKEN_BYTES, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = options
  const { unknownParameters = 'refuse' } = options
  // A limit that is no number would limit nothing.
  if (!(maxTokenBytes > 0 && maxRequestBytes > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a limit' })
  const form = await readForm(viewOf(request), { known: KNOWN, repeatable: NONE, unknownParameters, maxRequestBytes })
  const token = tokenOf(form, 'token', maxTokenBytes)
  if (token === undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'token' })
  return { token, tokenTypeHint: form.get('token_type_hint')?.[0], client: clientOf(form, maxTokenBytes) }
}
