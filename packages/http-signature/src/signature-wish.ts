import { type FieldLines, WimseError } from '@wimse/core'
import { type ComponentIdentifier, component, formatAcceptSignature, parseAcceptSignature } from '@wimse/http-message-signatures'
import { WIT_FIELD } from '@wimse/wit'
import { isWimseSignature, requestCoverage, responseCoverage, WIMSE_TAG } from './profile.ts'

/** Which message of the other side a wish is about. */
export type WishTarget = 'request' | 'response'

/**
 * The value of an Accept-Signature field under the profile: on a request for its response (SIG-3.5-12), on a response for later
 * requests (SIG-3.5-13). It covers what the profile always covers and the fields given; fields that a message may not have are
 * covered by the profile when they are there. It is a wish: only `wimse-sign-response` obliges (SIG-3.5-11, SIG-3.5-14).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a name that is no field
 */
export function formatSignatureWish(target: WishTarget, boundFields: readonly string[] = []): string {
  const names = [WIT_FIELD, ...boundFields.map((name) => name.toLowerCase())]
  const { derived } = target === 'request' ? requestCoverage(boundFields) : responseCoverage(boundFields)
  const components = [...derived, ...[...new Set(names)].map((name) => component(name))]
  return formatAcceptSignature([{ label: 'wimse', components, parameters: { created: true, expires: true, tag: WIMSE_TAG } }])
}

/**
 * Reads the wish for a signature of this profile: what it wants to be covered besides what the profile covers anyway.
 *
 * @returns undefined without such a wish
 * @throws WimseError `ERR_HTTP_SIGNATURE_ACCEPT_WEAK` when it asks for less than the profile (SIG-3.5-15) or for what the profile
 *   forbids, and those of `parseAcceptSignature`
 */
export function readSignatureWish(fields: FieldLines, target: WishTarget): readonly ComponentIdentifier[] | undefined {
  const [wish, ...others] = parseAcceptSignature(fields).filter(isWimseSignature)
  if (wish === undefined) return undefined
  if (others.length > 0) throw new WimseError('ERR_HTTP_SIGNATURE_TAG_DUPLICATE')
  const { derived } = target === 'request' ? requestCoverage() : responseCoverage()
  const required = new Set([...derived, component(WIT_FIELD)].map(({ text }) => text))
  const wanted = new Set(wish.components.map(({ text }) => text))
  const weak = [...required].some((text) => !wanted.has(text)) || wish.parameters.has('alg') || wish.parameters.has('keyid')
  if (weak) throw new WimseError('ERR_HTTP_SIGNATURE_ACCEPT_WEAK')
  return wish.components.filter(({ text }) => !required.has(text))
}
