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
  /** The source can't be reached or gave what can't be used: what it said last stays, and ages from its last contact on. */
  lost(error: WimseError): void
}

/** Where anchors come from: static, a bundle endpoint, the Workload API. */
export interface TrustSource {
  /** For operators and reports, such as `static` or the URL of an endpoint. */
  readonly origin: string
  /** Begins to deliver; returns when the first attempt has ended, well or not. Called once. */
  start(sink: TrustSink): Promise<void>
  /** Asks the source again now. Polling sources do it at once; streams need not. */
  refresh?(trustDomain: TrustDomain): Promise<void>
  close(): void
}
