import type { FieldLines, RequestView, ResponseView } from '@wimse/core'
import { WimseError } from '@wimse/core'
import { type ComponentIdentifier, component, type ParsedSignature } from '@wimse/http-message-signatures'
import { WIT_FIELD } from '@wimse/wit'

/** The `tag` of signatures of this profile (SIG-3-27). */
export const WIMSE_TAG = 'wimse-workload-to-workload'

/** The header field of a transaction token, in lower case. */
export const TXN_TOKEN_FIELD = 'txn-token'

/** Fields that a request signature covers when the request has them (SIG-3-08 to SIG-3-12). */
const REQUEST_FIELDS = [WIT_FIELD, 'content-type', 'content-digest', 'authorization', TXN_TOKEN_FIELD]
/** Fields that a response signature covers when the response has them (SIG-3-17, SIG-3-18, SIG-3-19). */
const RESPONSE_FIELDS = [WIT_FIELD, 'content-type', 'content-digest']

const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** Fields that carry the signature itself, or that no signature may depend on. */
const NEVER_BOUND = new Set(['signature', 'signature-input'])

/** What one kind of message has to cover. */
export interface ProfileCoverage {
  /** Always covered. */
  readonly derived: readonly ComponentIdentifier[]
  /** Covered when the message has them, by name in lower case, in the order in which they are signed. */
  readonly fields: ReadonlyMap<string, ComponentIdentifier>
}

/**
 * What a request has to cover: `@method`, `@path`, `@query` (SIG-3-02, SIG-3-03, SIG-3-04, SIG-3-06) and never `@authority`
 * (SIG-3-07).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a bound field that is no field
 */
export function requestCoverage(boundFields: readonly string[] = []): ProfileCoverage {
  return { derived: ['@method', '@path', '@query'].map((name) => component(name)), fields: fieldComponents(REQUEST_FIELDS, boundFields) }
}

/**
 * What a response has to cover: `@status` (SIG-3-13) and, of its request, `@method`, `@path`, `@query` (SIG-3-14, SIG-3-15, SIG-3-16).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a bound field that is no field
 */
export function responseCoverage(boundFields: readonly string[] = []): ProfileCoverage {
  const ofRequest = ['@method', '@path', '@query'].map((name) => component(name, { req: true }))
  return { derived: [component('@status'), ...ofRequest], fields: fieldComponents(RESPONSE_FIELDS, boundFields) }
}

/** The fields among those that have to be covered which the message has, in the order of the coverage. */
export function presentFields(fields: FieldLines, coverage: ProfileCoverage): readonly ComponentIdentifier[] {
  const present = new Set<string>()
  for (const [name] of fields) {
    const lower = name.toLowerCase()
    if (coverage.fields.has(lower)) present.add(lower)
  }
  const components: ComponentIdentifier[] = []
  for (const [name, identifier] of coverage.fields) if (present.has(name)) components.push(identifier)
  return components
}

/** Whether a signature is one of this profile. By its tag alone and never by its label (SIG-3-37, SIG-3-38). */
export function isWimseSignature({ parameters }: Pick<ParsedSignature, 'parameters'>): boolean {
  return parameters.get('tag') === WIMSE_TAG
}

/** Whether a message may have content: a stream may turn out to be empty, anything else is known. */
export function mayHaveBody({ body }: RequestView | ResponseView): boolean {
  return body !== null && !(body instanceof Uint8Array && body.length === 0)
}

function fieldComponents(own: readonly string[], boundFields: readonly string[]): ReadonlyMap<string, ComponentIdentifier> {
  const names = [...own, ...boundFields.map((name) => name.toLowerCase())]
  if (!names.every((name) => FIELD_NAME.test(name) && !NEVER_BOUND.has(name))) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'boundFields' })
  }
  return new Map(names.map((name) => [name, component(name)]))
}
