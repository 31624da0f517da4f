import {
  isWimseError,
  type JsonObject,
  type JsonValue,
  parseStrictJsonObject,
  type Runtime,
  recode,
  type TrustDomain,
  WimseError,
} from '@wimse/core'
import type { BundleContents, KeyAuthority } from '../trust-bundle.ts'
import { readBundleEntry } from './bundle-entry.ts'
import { type BundleLimits, DEFAULT_BUNDLE_MAX_BYTES, DEFAULT_BUNDLE_MAX_KEYS } from './bundle-limits.ts'

/** Options of {@link parseSpiffeBundle}. */
export interface ParseBundleOptions extends BundleLimits {
  /** The trust domain that the bundle is for: configuration says it, the document doesn't (BUNDLE-3-01, FED-5.2.1.4-05). */
  readonly trustDomain: TrustDomain
  /**
   * Gives a document without usable key as contents that have every kind, each empty, instead of refusing it: all keys of the trust
   * domain are revoked (BUNDLE-4.1.3-03, BUNDLE-4.1.3-04). For whoever replaces an older bundle by it. Default false.
   */
  readonly allowEmpty?: boolean
  readonly runtime?: Pick<Runtime, 'crypto'>
}

/**
 * Parses a SPIFFE bundle, or one of trust-domain discovery, which differ in names only: `x509-svid` and `wimse-x509`, `jwt-svid`,
 * `wit-svid` and `wimse-jwt`; `spiffe_sequence` and `sequence_number`; `spiffe_refresh_hint` and `refresh_hint`. In order: size, strict
 * JSON (a member name that occurs twice is refused), `keys`, sequence and refresh hint, each entry, `kid`s that differ, some usable key.
 * Unknown members are ignored. A sequence above 2^53 − 1 is refused: no JSON number of JavaScript holds it exactly (BUNDLE-4.1.1-04).
 *
 * Not checked: validity periods of the certificates, who published the bundle, and whether it is newer than another one.
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_TOO_LARGE`, `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_TRUST_DOMAIN` (a certificate names
 *   another trust domain), `ERR_TRUST_BUNDLE_EMPTY`
 * @see SPIFFE Trust Domain and Bundle, section 4; draft-carter-wimse-trust-domain-discovery, section 4
 */
export function parseSpiffeBundle(octets: Uint8Array, options: ParseBundleOptions): BundleContents {
  return readBundleObject(parseBundleJson(octets, options.maxBytes ?? DEFAULT_BUNDLE_MAX_BYTES), options)
}

/** The strict JSON object of a bundle document (BUNDLE-4-01, FED-5.2.1.3-05). */
export function parseBundleJson(octets: Uint8Array, maxBytes: number): JsonObject {
  try {
    return parseStrictJsonObject(octets, { maxBytes })
  } catch (error) {
    if (!isWimseError(error)) throw error
    throw recode(error.code === 'ERR_ENCODING_TOO_LARGE' ? 'ERR_TRUST_BUNDLE_TOO_LARGE' : 'ERR_TRUST_BUNDLE_MALFORMED', error)
  }
}

/** {@link parseSpiffeBundle} from the parsed JSON on. */
export function readBundleObject(document: JsonObject, options: ParseBundleOptions): BundleContents {
  const { trustDomain, maxKeys = DEFAULT_BUNDLE_MAX_KEYS } = options
  const keys: unknown = document['keys']
  // BUNDLE-4.1.3-01, TDD-4-03
  if (!Array.isArray(keys)) throw malformed('keys')
  if (keys.length > maxKeys) throw new WimseError('ERR_TRUST_BUNDLE_TOO_LARGE', { detail: 'number of keys' })
  const sequence = wholeNumber(document, 'spiffe_sequence', 'sequence_number')
  const refreshHintSeconds = wholeNumber(document, 'spiffe_refresh_hint', 'refresh_hint')
  const meta = { ...(sequence === undefined ? {} : { sequence }), ...(refreshHintSeconds === undefined ? {} : { refreshHintSeconds }) }

  const x509Authorities: Uint8Array[] = []
  const authorities: Record<'jwt' | 'wit', KeyAuthority[]> = { jwt: [], wit: [] }
  const kids = new Set<JsonValue>()
  for (const value of keys as readonly JsonValue[]) {
    const entry = readBundleEntry(value, { trustDomain, runtime: options.runtime })
    if (entry === undefined) continue
    // WSVID-6.1-04, WSVID-6.1-05: a kid names one key of the whole bundle.
    if (entry.kid !== undefined && kids.has(entry.kid)) throw malformed('two entries have one kid')
    if (entry.kid !== undefined) kids.add(entry.kid)
    if (entry.kind === 'x509') x509Authorities.push(entry.certificate)
    else authorities[entry.kind].push(entry.authority)
  }
  const { jwt: jwtAuthorities, wit: witAuthorities } = authorities
  if (x509Authorities.length + jwtAuthorities.length + witAuthorities.length === 0) {
    if (options.allowEmpty !== true) throw new WimseError('ERR_TRUST_BUNDLE_EMPTY')
    return { trustDomain, x509Authorities, jwtAuthorities, witAuthorities, ...meta }
  }
  return {
    trustDomain,
    ...(x509Authorities.length === 0 ? {} : { x509Authorities }),
    ...(jwtAuthorities.length === 0 ? {} : { jwtAuthorities }),
    ...(witAuthorities.length === 0 ? {} : { witAuthorities }),
    ...meta,
  }
}

/** A member that has two spellings; both may be there with one value (BUNDLE-4.1.1-02, BUNDLE-4.1.2-02, TDD-4-04, TDD-4-07). */
function wholeNumber(document: JsonObject, spiffe: string, discovery: string): number | undefined {
  const value = document[spiffe] ?? document[discovery]
  for (const name of [spiffe, discovery]) {
    const written = document[name]
    if (written === undefined) continue
    if (written !== value || !Number.isSafeInteger(written) || Number(written) < 0) throw malformed(name)
  }
  return typeof value === 'number' ? value : undefined
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail })
}
