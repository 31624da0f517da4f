import { formatBase64url, type Runtime, utf8, WimseError } from '@wimse/core'
import { formatBundleDocument, type TrustDomainBundle } from '@wimse/spire-api'

/** The bundle of the trust domain as it is published. */
export interface BundlePublication {
  readonly sequence: number
  /** The document in UTF-8; `undefined` before the first bundle came. */
  readonly document: Uint8Array | undefined
  readonly counts: { readonly x509: number; readonly jwt: number; readonly wit: number }
  /** Roots in DER. */
  readonly anchors: readonly Uint8Array[]
  /** SHA-256 over the kinds and octets of the keys. */
  readonly digest: string
}

export interface PublishOptions {
  readonly previous: Pick<BundlePublication, 'sequence' | 'digest' | 'document'>
  readonly refreshHintSeconds: number
  readonly runtime: Pick<Runtime, 'now' | 'crypto'>
}

/** What there is before the server was asked for the first time. `sequence`: the highest that was ever published. */
export function nothingPublished(sequence: number): BundlePublication {
  return { sequence, document: undefined, counts: { x509: 0, jwt: 0, wit: 0 }, anchors: [], digest: '' }
}

/**
 * Makes the document to publish of what the server gave: keys of all three kinds, WIT-SVID keys too (WSVID-6.1-01, WSVID-6.1-02).
 * Tainted authorities are in it until they are revoked, as at SPIRE's own endpoint: what they have signed is still in use.
 *
 * Its sequence number is this agent's own, since SPIRE doesn't count WIT keys: milliseconds since the epoch at the time of the
 * change, or one more than the last (BUNDLE-4.1.1-02, BUNDLE-4.1.1-03). It grows over restarts even where nothing is kept.
 *
 * @returns the publication before when nothing has changed
 * @throws WimseError `ERR_SPIRE_API_MALFORMED` for a bundle without roots, or with a `kid` that is missing or not its own
 *   (WSVID-6.1-03, WSVID-6.1-04, WSVID-6.1-05)
 */
export async function publishBundle<P extends PublishOptions['previous']>(
  bundle: TrustDomainBundle,
  { previous, refreshHintSeconds, runtime }: PublishOptions & { readonly previous: P },
): Promise<P | BundlePublication> {
  const { keys } = formatBundleDocument(untainted(bundle))
  const kids = [...bundle.witAuthorities, ...bundle.jwtAuthorities].map(({ keyId }) => keyId)
  if (kids.includes('') || new Set(kids).size !== kids.length) throw malformed('two keys of the bundle share a kid, or one has none')
  if (bundle.x509Authorities.length === 0) throw malformed('the bundle has no X.509 root')
  // The order in which the server lists keys means nothing.
  const listed = keys.map((key) => JSON.stringify(key)).sort()
  const digest = formatBase64url(await runtime.crypto.digest('sha-256', utf8(listed.join('\n'))))
  if (digest === previous.digest && previous.document !== undefined) return previous
  const sequence = Math.max(Math.floor(runtime.now()), previous.sequence + 1)
  // BUNDLE-4.1.1-01, BUNDLE-4.1.2-01, BUNDLE-4.1.2-02
  const document = utf8(JSON.stringify({ keys, spiffe_sequence: sequence, spiffe_refresh_hint: refreshHintSeconds }))
  const { x509Authorities: x509, jwtAuthorities: jwt, witAuthorities: wit } = bundle
  return {
    sequence,
    document,
    counts: { x509: x509.length, jwt: jwt.length, wit: wit.length },
    anchors: x509.map(({ certificate }) => certificate),
    digest,
  }
}

function untainted(bundle: TrustDomainBundle): TrustDomainBundle {
  const clear = <T extends object>(authority: T): T & { readonly tainted: false } => ({ ...authority, tainted: false })
  return {
    ...bundle,
    x509Authorities: bundle.x509Authorities.map(clear),
    jwtAuthorities: bundle.jwtAuthorities.map(clear),
    witAuthorities: bundle.witAuthorities.map(clear),
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_SPIRE_API_MALFORMED', { detail })
}
