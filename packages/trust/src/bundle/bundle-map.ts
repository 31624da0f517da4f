import { isJsonObject, isWimseError, parseTrustDomain, type Runtime, recode, utf8, WimseError } from '@wimse/core'
import type { BundleContents } from '../trust-bundle.ts'
import type { BundleLimits } from './bundle-limits.ts'
import { bundleDocument } from './format-spiffe-bundle.ts'
import { parseBundleJson, readBundleObject } from './parse-spiffe-bundle.ts'

/** Options of {@link parseBundleMap}. */
export interface ParseBundleMapOptions extends Omit<BundleLimits, 'maxBytes'> {
  /** Octets of the whole map; {@link DEFAULT_BUNDLE_MAP_MAX_BYTES} unless told. */
  readonly maxBytes?: number
  /** As in `parseSpiffeBundle`, for each bundle. */
  readonly allowEmpty?: boolean
  readonly runtime?: Pick<Runtime, 'crypto'>
}

export const DEFAULT_BUNDLE_MAP_MAX_BYTES = 8_388_608

/**
 * Parses a bundle map, as a whole or not at all (BUNDLE-B.1-01): strict JSON, so that a trust domain that occurs twice is refused
 * (BUNDLE-5.1.1-05, BUNDLE-6.3-01); `trust_domains`, which may be empty; each name canonical and each bundle by the rules of
 * `parseSpiffeBundle`. Refresh hints of single bundles are left out: they don't govern the map (BUNDLE-5.1.1-07).
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_TOO_LARGE`, `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_TRUST_DOMAIN`, `ERR_TRUST_BUNDLE_EMPTY`
 * @see SPIFFE Trust Domain and Bundle, section 5
 */
export function parseBundleMap(octets: Uint8Array, options: ParseBundleMapOptions = {}): readonly BundleContents[] {
  const { maxBytes = DEFAULT_BUNDLE_MAP_MAX_BYTES, ...rest } = options
  const map = parseBundleJson(octets, maxBytes)['trust_domains']
  // BUNDLE-5.1.1-01
  if (!isJsonObject(map)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'trust_domains' })
  return Object.entries(map).map(([name, document]) => {
    if (!isJsonObject(document)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'a bundle is no object' })
    try {
      const { refreshHintSeconds: _, ...contents } = readBundleObject(document, { trustDomain: parseTrustDomain(name), ...rest })
      return contents
    } catch (error) {
      // BUNDLE-5.1.1-03
      throw isWimseError(error, 'ERR_TRUST_DOMAIN_MALFORMED', 'ERR_TRUST_DOMAIN_IP') ? recode('ERR_TRUST_BUNDLE_MALFORMED', error) : error
    }
  })
}

/**
 * Formats bundles as a bundle map, without refresh hints (BUNDLE-5.1.1-06).
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED` as `formatSpiffeBundle`, and for a trust domain that occurs twice (BUNDLE-5.1.1-04)
 * @see SPIFFE Trust Domain and Bundle, section 5
 */
export function formatBundleMap(bundles: readonly BundleContents[]): Uint8Array<ArrayBuffer> {
  const documents = new Map<string, unknown>()
  for (const { refreshHintSeconds: _, ...contents } of bundles) {
    if (documents.has(contents.trustDomain)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'a trust domain occurs twice' })
    documents.set(contents.trustDomain, bundleDocument(contents))
  }
  return utf8(JSON.stringify({ trust_domains: Object.fromEntries(documents) }))
}
