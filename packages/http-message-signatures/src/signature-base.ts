import { type RequestView, type ResponseView, WimseError } from '@wimse/core'
import { type ComponentIdentifier, checkIdentifier, identityOf } from './component/component-identifier.ts'
import { derivedValue } from './component/derived-value.ts'
import { fieldValue } from './component/field-value.ts'
import type { ParsedValues } from './component/parsed-values.ts'
import { DEFAULT_STRUCTURED_FIELDS, type StructuredFieldTypes } from './component/structured-field-value.ts'

/** What a signature is made over, besides the message itself. */
export interface SignatureContext {
  /** The request that a response answers; components with `req` come from it (HMS-2.4-01). */
  readonly request?: RequestView
  /** Structured Fields besides {@link DEFAULT_STRUCTURED_FIELDS}, for `sf`. */
  readonly structuredFields?: StructuredFieldTypes
}

/**
 * Creates the signature base: a line for each covered component, in order (HMS-2.3-06, HMS-2.5-10), then the signature parameters
 * (HMS-2.3-01, HMS-2.5-11). All values come from the one message and its request (HMS-2-02, HMS-7.4.3-03), derived ones never from
 * fields (HMS-2.2-02).
 * Every component is judged by itself, for this message, and against those before it (HMS-2-03, HMS-2.5-04); the first failure
 * ends it without a base (HMS-2.5-03, HMS-2.5-13).
 *
 * @param signatureParams the value of `@signature-params`: the member of Signature-Input exactly as it is sent or was received
 * @returns ASCII text
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT`, `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER`, `ERR_HTTP_MESSAGE_COMPONENT_DUPLICATE`,
 *   `ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE`, `ERR_HTTP_MESSAGE_COMPONENT_MISSING`, `ERR_HTTP_MESSAGE_COMPONENT_VALUE`
 * @see RFC 9421 section 2.5
 */
export function createSignatureBase(
  message: RequestView | ResponseView,
  components: readonly ComponentIdentifier[],
  signatureParams: string,
  context: SignatureContext = {},
): string {
  const types =
    context.structuredFields === undefined ? DEFAULT_STRUCTURED_FIELDS : { ...DEFAULT_STRUCTURED_FIELDS, ...context.structuredFields }
  const parsed: ParsedValues = { dictionaries: new Map(), queries: new Map() }
  const seen = new Set<string>()
  let base = ''
  for (const identifier of components) {
    checkIdentifier(identifier)
    const identity = identityOf(identifier)
    if (seen.has(identity)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_DUPLICATE', { detail: identifier.name })
    seen.add(identity)
    const source = identifier.parameters.size > 0 && identifier.parameters.has('req') ? requestOf(message, context) : message
    const value =
      identifier.name.charCodeAt(0) === 0x40
        ? derivedValue(source, identifier, parsed)
        : fieldValue(source.fields, identifier, types, parsed)
    base += `${identifier.text}: ${value}\n`
  }
  return `${base}"@signature-params": ${signatureParams}`
}

function requestOf(message: RequestView | ResponseView, { request }: SignatureContext): RequestView {
  // HMS-2.4-09, HMS-2.5-07
  if (message.kind === 'request') throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', { detail: 'req in a request' })
  if (request === undefined) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT_MISSING', { detail: 'the request that is answered' })
  return request
}
