import { fieldValues, type RequestView, readBody, requestViewOfRequest, WimseError } from '@wimse/core'

/** A request as a server has it: the platform's, or the raw view that keeps repeated header fields apart. */
export type EndpointRequest = Request | RequestView

/** The parameters of a form by name; several values only where the protocol allows that. */
export type FormParameters = ReadonlyMap<string, readonly string[]>

/** Limits and rules of {@link readForm}. */
export interface FormRules {
  /** Names that may occur. */
  readonly known: ReadonlySet<string>
  /** Names that may occur more than once. */
  readonly repeatable: ReadonlySet<string>
  /** What becomes of other names; RFC 6749 section 3.2 ignores them, this service refuses them unless told. */
  readonly unknownParameters?: 'refuse' | 'ignore'
  /** Octets of the body. */
  readonly maxRequestBytes: number
}

/** The raw view of a request. */
export function viewOf(request: EndpointRequest): RequestView {
  return 'kind' in request ? request : requestViewOfRequest(request)
}

const FORM = /^application\/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i
const RAW = /^[\x21-\x7e]*$/
/** Cc of Unicode. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const MAX_PARAMETERS = 64
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads the form of a POST request. In order: method, exactly one `Content-Type` of a form in UTF-8, no content coding (TEX-2.1-01), body
 * up to the limit, then each pair: percent-encoded UTF-8, no control characters, a known name, one that may repeat where it does (RFC 6749
 * section 3.2). A parameter without a value is left out, as if it hadn't been sent (RFC 6749 section 3.2).
 *
 * @throws WimseError `ERR_EXCHANGE_METHOD`, `ERR_EXCHANGE_CONTENT_TYPE`, `ERR_EXCHANGE_FORM`, `ERR_EXCHANGE_PARAMETER_UNKNOWN`,
 *   `ERR_EXCHANGE_PARAMETER_REPEATED`, `ERR_MESSAGE_BODY_TOO_LARGE`, `ERR_MESSAGE_MALFORMED`
 */
export async function readForm(view: RequestView, rules: FormRules): Promise<FormParameters> {
  // TEX-2.1-01
  if (view.method !== 'POST') throw new WimseError('ERR_EXCHANGE_METHOD')
  const [type, ...others] = fieldValues(view.fields, 'content-type')
  if (type === undefined || others.length > 0 || !FORM.test(type) || fieldValues(view.fields, 'content-encoding').length > 0) {
    throw new WimseError('ERR_EXCHANGE_CONTENT_TYPE')
  }
  const octets = await readBody(view.body, rules.maxRequestBytes)
  // Octets that are no UTF-8 become a character that the check for ASCII refuses.
  return parseForm(decoder.decode(octets), rules)
}

/** The pairs of a form's text. @throws WimseError as {@link readForm} */
export function parseForm(text: string, rules: Omit<FormRules, 'maxRequestBytes'>): FormParameters {
  if (!RAW.test(text)) throw new WimseError('ERR_EXCHANGE_FORM', { detail: 'not ASCII' })
  const pairs = text === '' ? [] : text.split('&')
  if (pairs.length > MAX_PARAMETERS) throw new WimseError('ERR_EXCHANGE_FORM', { detail: 'too many parameters' })
  const seen = new Set<string>()
  const found = new Map<string, string[]>()
  for (const pair of pairs) {
    const mark = pair.indexOf('=')
    const name = decode(mark === -1 ? pair : pair.slice(0, mark))
    const value = mark === -1 ? '' : decode(pair.slice(mark + 1))
    if (name === '') throw new WimseError('ERR_EXCHANGE_FORM', { detail: 'a parameter without a name' })
    if (!rules.known.has(name)) {
      if (rules.unknownParameters === 'ignore') continue
      throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN')
    }
    if (seen.has(name) && !rules.repeatable.has(name)) throw new WimseError('ERR_EXCHANGE_PARAMETER_REPEATED', { detail: name })
    seen.add(name)
    if (value === '') continue
    const values = found.get(name)
    if (values === undefined) found.set(name, [value])
    else values.push(value)
  }
  return found
}

/** Encodes pairs as a form; the reverse of {@link parseForm}. */
export function formatForm(pairs: readonly (readonly [name: string, value: string])[]): string {
  return new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString()
}

function decode(text: string): string {
  // Visible ASCII, as it was read: a token has nothing to decode.
  if (!/[%+]/.test(text)) return text
  let decoded: string
  try {
    // Strict where URLSearchParams is not: a lone percent sign or octets that are no UTF-8 are no text.
    decoded = decodeURIComponent(text.includes('+') ? text.replaceAll('+', ' ') : text)
  } catch {
    throw new WimseError('ERR_EXCHANGE_FORM', { detail: 'percent-encoding' })
  }
  if (CONTROL.test(decoded)) throw new WimseError('ERR_EXCHANGE_FORM', { detail: 'control character' })
  return decoded
}
