import type { TrustDomain, WimseError } from '@wimse/core'
import type { BundleContents } from './trust-bundle.ts'

/** What a source tells the store. */
export interface TrustSink {
  /**
   * The whole of what the source has now: a trust domain that is missing is withdrawn (FED-6.3-01). Bundles that the store refuses
   * (a lower sequence) leave the old one in place and are reported.
   */
  replace(contents: readonly BundleContents[]): void
  /** The source was reached and nothing has changed. */
  confirm(): void
  /**
   * The source can't be reached or gave what can't be used: what it said last stays, and ages from its last contact on. A stream that
   * was open until now, however quiet, confirms first.
   */
  lost(error: WimseError): void
}

/** What a source may ask the store: the anchors that authenticate the source's own server. */
export interface AnchorView {
  /** The X.509 anchors of a trust domain as they are now; empty when there are none that can be used. Never throws. */
  x509Authorities(trustDomain: TrustDomain): readonly Uint8Array[]
}

/** Where anchors come from: static, a bundle endpoint, the Workload API. */
export interface TrustSource {
  /** For operators and reports, such as `static` or the URL of an endpoint. */
  readonly origin: string
  /** The trust domains that the source is configured for; absent where the source itself says which there are. */
  readonly trustDomains?: readonly TrustDomain[]
  /** The trust domain whose X.509 anchors authenticate the source: it is started after the others, and asked again when they change. */
  readonly authenticatedBy?: TrustDomain
  /** Begins to deliver; returns when the first attempt has ended, well or not. Called once. */
  start(sink: TrustSink, anchors: AnchorView): Promise<void>
  /** Asks the source again now. Polling sources do it at once; streams need not. */
  refresh?(trustDomain: TrustDomain): Promise<void>
  close(): void
}
