import { WimseError } from '../errors/wimse-error.ts'
import { type FieldLines, fieldLinesOfHeaders } from './field-lines.ts'

/** A body as it can be had: octets, a stream that is read once, or nothing. */
export type MessageBody = Uint8Array | ReadableStream<Uint8Array> | null

/** A request as it came over the wire, before anyone interpreted it. */
export interface RequestView {
  readonly kind: 'request'
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Host and port as the sender named them. Never a source of an accepted audience. */
  readonly authority: string
  /** The path as it was sent, percent-encoding and all; `/` at least. */
  readonly path: string
  /** The query as it was sent, without the question mark; undefined where there was no question mark. */
  readonly query: string | undefined
  readonly fields: FieldLines
  readonly body: MessageBody
}

/** A response as it came over the wire. */
export interface ResponseView {
  readonly kind: 'response'
  readonly status: number
  readonly fields: FieldLines
  readonly body: MessageBody
}

/** What a request is made of when it isn't a web `Request`. */
export interface RequestParts {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  /** The request target in origin form: path and query. */
  readonly target: string
  readonly fields: FieldLines
  readonly body?: MessageBody
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TARGET = /^\/[\x21-\x7e]*$/

/**
 * The view of a request from its parts, as servers of node:http have them.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for a method that is no token, a target that isn't in origin form, or a fragment in it
 */
export function requestViewOfParts(parts: RequestParts): RequestView {
  const { method, scheme, authority, target, fields, body = null } = parts
  if (!METHOD.test(method)) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'method' })
  if (!TARGET.test(target) || target.includes('#')) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'request target' })
  const mark = target.indexOf('?')
  return {
    kind: 'request',
    method,
    scheme,
    authority,
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    fields,
    body,
  }
}

/**
 * The view of a web `Request`. The platform has parsed the URL: dot segments are resolved, and an empty query is lost.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for a scheme other than http and https
 */
export function requestViewOfRequest(request: Request): RequestView {
  const url = new URL(request.url)
  const scheme = url.protocol === 'https:' ? 'https' : url.protocol === 'http:' ? 'http' : undefined
  if (scheme === undefined) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'scheme' })
  return {
    kind: 'request',
    method: request.method,
    scheme,
    authority: url.host,
    path: url.pathname,
    query: url.search === '' ? undefined : url.search.slice(1),
    fields: fieldLinesOfHeaders(request.headers),
    body: request.body,
  }
}

/** The view of a web `Response`. */
export function responseViewOfResponse(response: Response): ResponseView {
  return { kind: 'response', status: response.status, fields: fieldLinesOfHeaders(response.headers), body: response.body }
}
