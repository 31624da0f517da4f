import {
  isWimseError,
  parseTrustDomain,
  parseWorkloadIdentifier,
  type Runtime,
  schemeOf,
  type TrustDomain,
  trustDomainOf,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type BundleLimits, DEFAULT_BUNDLE_MAX_BYTES } from '../bundle/bundle-limits.ts'
import { parseSpiffeBundle } from '../bundle/parse-spiffe-bundle.ts'
import { fingerprintsOf } from '../store/fingerprint.ts'
import { markAfter, mayFollow, type SequenceMark } from '../store/sequence.ts'
import type { BundleContents } from '../trust-bundle.ts'
import type { AnchorView, TrustSink, TrustSource } from '../trust-source.ts'
import { parseEndpointUrl } from './endpoint-url.ts'
import { type EndpointAuthentication, type FetchBundle, webFetchBundle } from './fetch-bundle.ts'
import { type PollSeconds, pollInterval } from './poll-interval.ts'
import { withinTime } from './within-time.ts'

/** How a bundle endpoint is authenticated (FED-5-01). */
export type BundleEndpointProfile =
  | { readonly kind: 'https_web' }
  | {
      readonly kind: 'https_spiffe'
      /** Of the endpoint's server, such as `spiffe://bank.example/spire/server` (FED-5.2.2.2-01). */
      readonly endpointIdentifier: string
      /**
       * For an endpoint that serves the bundle of its own trust domain and that no other source knows: the bundle that the first
       * connection is verified with; each later one with the last bundle fetched (FED-5.2.2.2-03, FED-5.2.2.2-06). Without it the server
       * is verified with the X.509 anchors that the trust store has from other sources.
       */
      readonly bootstrap?: BundleContents
    }

/** Options of {@link bundleEndpointSource}. Trust domain, URL and profile are never inferred from one another (FED-5.1-01, FED-7.2-01). */
export interface BundleEndpointOptions extends BundleLimits {
  readonly trustDomain: string
  readonly url: string
  readonly profile: BundleEndpointProfile
  readonly pollSeconds?: PollSeconds
  /** For a whole retrieval; {@link DEFAULT_BUNDLE_TIMEOUT_MS} unless told. */
  readonly timeoutMs?: number
  /** Needed for `https_spiffe`: `nodeFetchBundle` of `@wimse/trust/node`. The runtime's `fetch` unless told. */
  readonly fetchBundle?: FetchBundle
  readonly runtime?: Runtime
}

export const DEFAULT_BUNDLE_TIMEOUT_MS = 10_000

const MAX_ATTEMPTS = 2

/**
 * A source that polls a SPIFFE bundle endpoint (FED-4.1-07): as often as the bundle's refresh hint says, within bounds, and after a
 * failure no sooner (FED-6.2-03). Each poll starts at the configured URL (FED-5.2.1.4-09, FED-5.2.2.4-11). A bundle without any usable
 * key revokes all that the source said before (BUNDLE-4.1.3-03). Redirects, other statuses, and bundles that are malformed, too large
 * or of another trust domain leave the bundle before in place and start its ageing.
 *
 * @throws WimseError `ERR_TRUST_ENDPOINT_URL`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`, `ERR_IDENTIFIER_…`, `ERR_OPTIONS_INVALID`
 * @see SPIFFE Federation, sections 4 and 5
 */
export function bundleEndpointSource(options: BundleEndpointOptions): TrustSource {
  const { profile, timeoutMs = DEFAULT_BUNDLE_TIMEOUT_MS, maxBytes = DEFAULT_BUNDLE_MAX_BYTES, maxKeys } = options
  const runtime = options.runtime ?? defaultRuntime()
  const trustDomain = parseTrustDomain(options.trustDomain)
  const url = parseEndpointUrl(options.url)
  const server = parseProfile(profile, trustDomain)
  const fetchBundle = options.fetchBundle ?? webFetchBundle(runtime)
  if (server !== undefined && options.fetchBundle === undefined) invalid('https_spiffe needs a fetchBundle')
  if (!(timeoutMs > 0)) invalid('timeoutMs')
  const interval = pollInterval(options.pollSeconds ?? {}, runtime)
  const stopped = new AbortController()
  let mark: SequenceMark | undefined
  let latest: BundleContents | undefined
  let ends: { readonly sink: TrustSink; readonly anchors: AnchorView } | undefined
  let polling: Promise<void> | undefined

  function authentication(anchors: AnchorView): EndpointAuthentication {
    if (server === undefined) return { kind: 'web-pki' }
    const { identifier: endpointIdentifier, bootstrap, by } = server
    // FED-5.2.2.4-02, FED-5.2.2.4-03, FED-5.2.2.4-04
    const roots = bootstrap === undefined ? anchors.x509Authorities(by) : ((latest ?? bootstrap).x509Authorities ?? [])
    if (roots.length === 0) throw new WimseError('ERR_X509_NO_ANCHORS')
    return { kind: 'spiffe', endpointIdentifier, anchors: roots }
  }

  /** An answer counts only where the anchors that authenticated its server are still those of the moment at which it is in. */
  async function fetchAuthenticated(anchors: AnchorView): Promise<Uint8Array> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const before = authentication(anchors)
      const octets = await withinTime(timeoutMs, stopped.signal, runtime, (signal) =>
        fetchBundle({ url, authentication: before, maxBytes, signal }),
      )
      if (rootsOf(before) === rootsOf(authentication(anchors))) return octets
    }
    throw new WimseError('ERR_TRUST_ENDPOINT', { detail: 'the anchors kept changing' })
  }

  async function fetchContents(anchors: AnchorView): Promise<BundleContents> {
    const octets = await fetchAuthenticated(anchors)
    const limits = { maxBytes, ...(maxKeys === undefined ? {} : { maxKeys }) }
    const contents = parseSpiffeBundle(octets, { trustDomain, allowEmpty: true, runtime, ...limits })
    return server === undefined || server.bootstrap !== undefined ? contents : { ...contents, authenticatedBy: server.by }
  }

  async function pollOnce({ sink, anchors }: NonNullable<typeof ends>): Promise<void> {
    try {
      const contents = await fetchContents(anchors)
      if (stopped.signal.aborted) return
      const fingerprints = fingerprintsOf(contents)
      if (mayFollow(mark, contents.sequence, fingerprints)) {
        mark = markAfter(mark, contents.sequence, fingerprints)
        latest = contents
      }
      // The store judges the sequence by the same rule, and reports.
      sink.replace([contents])
    } catch (error) {
      if (stopped.signal.aborted) return
      sink.lost(isWimseError(error) ? error : new WimseError('ERR_TRUST_ENDPOINT', { cause: error }))
    }
  }

  async function poll(): Promise<void> {
    if (ends === undefined || stopped.signal.aborted) return
    polling ??= pollOnce(ends).finally(() => {
      polling = undefined
    })
    await polling
  }

  async function keepPolling(): Promise<void> {
    while (!stopped.signal.aborted) {
      await runtime.delay(interval(latest?.refreshHintSeconds), stopped.signal)
      await poll()
    }
  }

  return {
    origin: url.href,
    trustDomains: [trustDomain],
    ...(server === undefined || server.bootstrap !== undefined ? {} : { authenticatedBy: server.by }),
    async start(sink, anchors) {
      ends = { sink, anchors }
      await poll()
      void keepPolling()
    },
    async refresh(asked) {
      if (asked === trustDomain) await poll()
    },
    close: () => stopped.abort(),
  }
}

function rootsOf(authentication: EndpointAuthentication): readonly Uint8Array[] | undefined {
  return authentication.kind === 'spiffe' ? authentication.anchors : undefined
}

interface SpiffeServer {
  readonly identifier: WorkloadIdentifier
  readonly by: TrustDomain
  readonly bootstrap: BundleContents | undefined
}

function parseProfile(profile: BundleEndpointProfile, trustDomain: TrustDomain): SpiffeServer | undefined {
  if (profile.kind === 'https_web') return undefined
  // FED-7.2-01: a profile that is left out is no profile.
  if (profile.kind !== 'https_spiffe') return invalid('profile')
  const identifier = parseWorkloadIdentifier(profile.endpointIdentifier)
  if (schemeOf(identifier) !== 'spiffe') invalid('the endpoint has no SPIFFE ID')
  const by = trustDomainOf(identifier)
  const { bootstrap } = profile
  // FED-5.2.2.2-07: the anchors of another trust domain come from that one's own source.
  if (bootstrap !== undefined && (by !== trustDomain || bootstrap.trustDomain !== trustDomain)) invalid('bootstrap of another trust domain')
  return { identifier, by, bootstrap }
}

function invalid(detail: string): never {
  throw new WimseError('ERR_OPTIONS_INVALID', { detail })
}
