import { type RequestView, type ResponseView, WimseError } from '@wimse/core'
import type { ComponentIdentifier } from './component-identifier.ts'
import type { ParsedValues } from './parsed-values.ts'
import { queryParamValue } from './query-param-value.ts'

/** Printable characters and spaces, no space at either end (HMS-2.2-04, HMS-2.2-05, HMS-2.2-06). */
const VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=%[\]:]+$/
const DEFAULT_PORT = { http: ':80', https: ':443' } as const

/**
 * The value of a derived component (RFC 9421 section 2.2).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE` when the component is not for this kind of message
 *   (HMS-2.2-03, HMS-2.2.9-02), `ERR_HTTP_MESSAGE_COMPONENT_MISSING`, `ERR_HTTP_MESSAGE_COMPONENT_VALUE`
 */
export function derivedValue(message: RequestView | ResponseView, identifier: ComponentIdentifier, parsed: ParsedValues): string {
  const value = message.kind === 'request' ? requestValue(message, identifier, parsed) : responseValue(message, identifier)
  if (!VALUE.test(value)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: identifier.name })
  return value
}

function responseValue({ status }: ResponseView, { name }: ComponentIdentifier): string {
  if (name !== '@status') throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', { detail: name })
  // HMS-2.2.9-01
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: name })
  }
  return String(status)
}

function requestValue(request: RequestView, { name, parameters }: ComponentIdentifier, parsed: ParsedValues): string {
  switch (name) {
    case '@method':
      // HMS-2.2.1-01
      return request.method
    case '@path':
      // HMS-2.2.6-01, HMS-2.2.6-02, HMS-2.2.6-03
      return request.path === '' ? '/' : request.path
    case '@query':
      // HMS-2.2.7-01, HMS-2.2.7-02, HMS-2.2.7-03
      return `?${request.query ?? ''}`
    case '@query-param':
      return queryParamValue(request.query, parameters.get('name'), parsed)
    case '@scheme':
      // HMS-2.2.4-01
      return request.scheme
    case '@authority':
      return authorityOf(request)
    case '@target-uri':
      // HMS-2.2.2-01
      return `${request.scheme}://${authorityOf(request)}${targetOf(request)}`
    case '@request-target':
      // The view knows the origin form only, so the other forms of HMS-2.2.5-01 can't be told from it.
      if (request.method === 'CONNECT') throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', { detail: name })
      return targetOf(request)
    default:
      throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', { detail: name })
  }
}

function targetOf({ path, query }: RequestView): string {
  return query === undefined ? path || '/' : `${path || '/'}?${query}`
}

/** HMS-2.2.3-01: the host in lower case, the default port of the scheme left out. */
function authorityOf({ authority, scheme }: RequestView): string {
  if (!AUTHORITY.test(authority)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_VALUE', { detail: '@authority' })
  const lower = authority.toLowerCase()
  const port = DEFAULT_PORT[scheme]
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower
}
