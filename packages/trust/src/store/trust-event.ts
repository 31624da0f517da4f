import type { ErrorCode, TrustDomain } from '@wimse/core'

/**
 * What a trust store tells its operator; never a key.
 * - `contact`: a source was reached (FED-7.6-02)
 * - `changed`: the anchors of a trust domain are others now, or known for the first time
 * - `refused`: what a source said of a trust domain was not taken; `code` says why, the old stays
 * - `withdrawn`: a trust domain has no anchors any more, by the source's word or because nothing authenticates the source
 * - `lost`: a source can't be reached or gave what can't be used
 */
export interface TrustEvent {
  readonly type: 'contact' | 'changed' | 'refused' | 'withdrawn' | 'lost'
  /** The source; absent for `changed`, which may come from several. */
  readonly origin?: string
  readonly trustDomain?: TrustDomain
  readonly code?: ErrorCode
  readonly sequence?: number
}

/** Takes events. What it throws is dropped: a listener's fault must not stop a trust store. */
export type TrustEventListener = (event: TrustEvent) => void
