import { isWimseError, type TrustDomain, type WimseError } from '@wimse/core'
import type { BundleContents, KeyAuthority } from '@wimse/trust'
import type { WatchFailure } from '../stream/watch-stream.ts'

/** Anchors of one kind by trust domain. */
type Anchors<T> = ReadonlyMap<TrustDomain, readonly T[]>

/** What one stream of bundles has said so far. */
export interface BundleStream<T> {
  /** `opening`: nothing yet. `absent`: the server does not serve the profile. `broken`: what was said last may be out of date. */
  readonly state: 'opening' | 'open' | 'broken' | 'absent'
  /** Undefined as long as the stream has said nothing. */
  readonly said?: Anchors<T>
  readonly error?: WimseError
}

/** The streams of the three profiles. */
export interface BundleStreams {
  readonly x509: BundleStream<Uint8Array>
  readonly jwt: BundleStream<KeyAuthority>
  readonly wit: BundleStream<KeyAuthority>
}

export const OPENING: BundleStreams = { x509: { state: 'opening' }, jwt: { state: 'opening' }, wit: { state: 'opening' } }

/** A stream after something went wrong with it. */
export function afterFailure<T>(stream: BundleStream<T>, { error, consequence }: WatchFailure): BundleStream<T> {
  // WLAPI-5.2.2-06, WLAPI-6.2.2-08, WLAPI-7.2.2-06: no bundle of this profile may be used any more.
  if (isWimseError(error, 'ERR_WORKLOAD_API_NO_IDENTITY')) return { state: 'open', said: new Map() }
  if (consequence === 'stopped' && isWimseError(error, 'ERR_WORKLOAD_API_UNIMPLEMENTED')) return { state: 'absent' }
  return { ...stream, state: 'broken', error }
}

/** What the streams say together: a kind of anchors that no stream has spoken of stays undefined. */
export function contentsOf({ x509, jwt, wit }: BundleStreams): readonly BundleContents[] {
  const trustDomains = new Set([x509, jwt, wit].flatMap(({ said }) => [...(said?.keys() ?? [])]))
  return [...trustDomains].map((trustDomain) => ({
    trustDomain,
    ...(x509.said && { x509Authorities: x509.said.get(trustDomain) ?? [] }),
    ...(jwt.said && { jwtAuthorities: jwt.said.get(trustDomain) ?? [] }),
    ...(wit.said && { witAuthorities: wit.said.get(trustDomain) ?? [] }),
  }))
}

/** Whether any stream has said something new. */
export function saysOtherThan(streams: BundleStreams, before: BundleStreams): boolean {
  return streams.x509.said !== before.x509.said || streams.jwt.said !== before.jwt.said || streams.wit.said !== before.wit.said
}
