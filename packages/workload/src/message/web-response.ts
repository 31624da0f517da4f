import { type ResponseView, WimseError } from '@wimse/core'

/** Statuses that have no body: web `Response` throws when it is given one, even an empty one. */
const BODILESS = new Set([204, 205, 304])

/**
 * The web `Response` of a view.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for a status that isn't one of a final response
 */
export function webResponseOf({ status, fields, body }: ResponseView): Response {
  if (!(status >= 200 && status <= 599)) throw new WimseError('ERR_MESSAGE_MALFORMED', { detail: 'status' })
  const content = BODILESS.has(status) ? null : body instanceof Uint8Array ? body.slice() : body
  return new Response(content, { status, headers: fields.map(([name, value]): [string, string] => [name, value]) })
}
