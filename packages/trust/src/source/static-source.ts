import { isJsonObject, parseTrustDomain, type Runtime, utf8, WimseError } from '@wimse/core'
import type { SpiffeBundleDocument } from '../bundle/format-spiffe-bundle.ts'
import { parseSpiffeBundle } from '../bundle/parse-spiffe-bundle.ts'
import type { BundleContents } from '../trust-bundle.ts'
import type { TrustSource } from '../trust-source.ts'

/**
 * Bundles as an operator has them: SPIFFE bundles by the name of their trust domain, each as octets, as text or as parsed JSON; or
 * contents. Parsed JSON has lost sight of members that occurred twice: where it matters, give the text.
 */
export type StaticBundles =
  | Readonly<Record<string, Uint8Array | string | SpiffeBundleDocument | Readonly<Record<string, unknown>>>>
  | readonly BundleContents[]

/** Options of sources of static bundles. */
export interface StaticBundleOptions {
  readonly runtime?: Pick<Runtime, 'crypto'>
}

/**
 * Reads static bundles by the rules of `parseSpiffeBundle`. The name beside each is that of its trust domain (BUNDLE-3-01).
 *
 * @throws WimseError `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`, `ERR_TRUST_BUNDLE_…`, `ERR_OPTIONS_INVALID`
 */
export function readStaticBundles(bundles: StaticBundles, options: StaticBundleOptions = {}): readonly BundleContents[] {
  if (isContents(bundles)) return bundles
  if (!isJsonObject(bundles)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'bundles' })
  return Object.entries<unknown>(bundles).map(([name, bundle]) =>
    parseSpiffeBundle(octetsOf(bundle), { trustDomain: parseTrustDomain(name), ...options }),
  )
}

/** A source of bundles that never change and never age (FED-5.2.2.2-09, TDD-3-04). @throws WimseError as {@link readStaticBundles} */
export function staticSource(bundles: StaticBundles, options: StaticBundleOptions & { readonly origin?: string } = {}): TrustSource {
  const { origin = 'static', ...rest } = options
  const contents = readStaticBundles(bundles, rest)
  return {
    origin,
    trustDomains: contents.map(({ trustDomain }) => trustDomain),
    async start(sink) {
      sink.replace(contents)
    },
    close() {},
  }
}

function octetsOf(bundle: unknown): Uint8Array {
  if (bundle instanceof Uint8Array) return bundle
  if (typeof bundle === 'string') return utf8(bundle)
  if (!isJsonObject(bundle)) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'not an object' })
  try {
    return utf8(JSON.stringify(bundle))
  } catch {
    throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'not JSON' })
  }
}

function isContents(bundles: StaticBundles): bundles is readonly BundleContents[] {
  return Array.isArray(bundles)
}
