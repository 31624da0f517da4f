export type { AnchorKind, BundleContents, KeyAuthority, TrustBundle } from './trust-bundle.ts'
export type { TrustSink, TrustSource } from './trust-source.ts'
export type { TrustStore } from './trust-store.ts'
