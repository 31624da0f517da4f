import {
  fieldLinesOfHeaders,
  fieldValues,
  isJsonObject,
  isWimseError,
  type JsonObject,
  parseStrictJsonObject,
  type ResponseView,
  readBody,
  recode,
  utf8,
  WimseError,
} from '@wimse/core'
import { ATTESTATION_FIELDS, DEFAULT_MAX_RESPONSE_BYTES, ERROR_CODE_MEMBER } from './names.ts'

const JSON_FIELDS = [
  ['content-type', 'application/json'],
  ['cache-control', 'no-store'],
  ['pragma', 'no-cache'],
] as const

/** An answer whose body is there as a whole. */
export type WholeAnswer = ResponseView & { readonly body: Uint8Array<ArrayBuffer> }

/** A JSON answer that nobody may keep, as octets. */
export function jsonAnswer(body: JsonObject): WholeAnswer {
  return { kind: 'response', status: 200, fields: JSON_FIELDS, body: utf8(JSON.stringify(body)) }
}

/** A JSON answer that nobody may keep. */
export function jsonResponse(body: JsonObject): Response {
  return webResponse(jsonAnswer(body))
}

export function webResponse({ status, fields, body }: WholeAnswer): Response {
  return new Response(body, { status, headers: fields.map(([name, value]) => [name, value]) })
}

/** The JSON object of a response. @throws WimseError with the code given */
export async function readJson(
  response: Response,
  code: 'ERR_EXCHANGE_RESPONSE' | 'ERR_EXCHANGE_METADATA' | 'ERR_EXCHANGE_REFUSED',
  maxBytes: number = DEFAULT_MAX_RESPONSE_BYTES,
): Promise<JsonObject> {
  const [type, ...others] = fieldValues(fieldLinesOfHeaders(response.headers), 'content-type')
  if (others.length > 0 || type === undefined || !/^application\/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i.test(type)) {
    throw new WimseError(code, { detail: 'content type' })
  }
  try {
    return parseStrictJsonObject(await readBody(response.body, maxBytes), { maxBytes })
  } catch (error) {
    throw isWimseError(error) ? recode(code, error) : error
  }
}

/** The refusal of an authorization server, with what it said: only an `error` of the protocol's alphabet is kept. */
export class TokenEndpointRefusal extends WimseError {
  /** Such as `invalid_grant`; undefined when the answer had none. */
  readonly error: string | undefined
  readonly status: number
  /** The challenge for the next proof of possession, when the server sent one (ATT-6.2-01). */
  readonly attestationChallenge: string | undefined

  /** What a server of ours says more exactly about a deferred grant, such as `ERR_EXCHANGE_GRANT_HELD`; undefined where the answer has no code. */
  readonly reportedCode: string | undefined

  constructor(status: number, error: string | undefined, attestationChallenge: string | undefined, reportedCode?: string) {
    super('ERR_EXCHANGE_REFUSED', { detail: error ?? `status ${status}` })
    this.status = status
    this.error = error
    this.attestationChallenge = attestationChallenge
    this.reportedCode = reportedCode
  }
}

/** Throws what an answer other than a success means. @throws TokenEndpointRefusal, a WimseError with `ERR_EXCHANGE_REFUSED` */
export async function throwRefusal(response: Response, maxBytes?: number): Promise<never> {
  const body = await readJson(response, 'ERR_EXCHANGE_REFUSED', maxBytes).catch((error: unknown) => {
    if (isWimseError(error)) return undefined
    throw error
  })
  const error = isJsonObject(body) ? body['error'] : undefined
  const known = typeof error === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(error) ? error : undefined
  const challenge = response.headers.get(ATTESTATION_FIELDS.challenge)
  const usable = challenge !== null && /^[\x21-\x2b\x2d-\x7e]{1,1024}$/.test(challenge) ? challenge : undefined
  const code = isJsonObject(body) ? body[ERROR_CODE_MEMBER] : undefined
  const reported = typeof code === 'string' && /^ERR_[A-Z0-9_]{1,64}$/.test(code) ? code : undefined
  throw new TokenEndpointRefusal(response.status, known, usable, reported)
}
