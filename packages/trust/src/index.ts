export { type BundleLimits, DEFAULT_BUNDLE_MAX_BYTES, DEFAULT_BUNDLE_MAX_KEYS } from './bundle/bundle-limits.ts'
export { DEFAULT_BUNDLE_MAP_MAX_BYTES, formatBundleMap, type ParseBundleMapOptions, parseBundleMap } from './bundle/bundle-map.ts'
export { formatSpiffeBundle, type SpiffeBundleDocument } from './bundle/format-spiffe-bundle.ts'
export { type ParseBundleOptions, parseSpiffeBundle } from './bundle/parse-spiffe-bundle.ts'
export { type FoundKeyAuthority, findKeyAuthority, type KeyAuthorityQuery } from './find-key-authority.ts'
export {
  allowInsecureEndpoint,
  DEFAULT_JWK_SET_COOLDOWN_SECONDS,
  DEFAULT_JWK_SET_MAX_AGE_SECONDS,
  DEFAULT_JWK_SET_MAX_BYTES,
  DEFAULT_JWK_SET_TIMEOUT_MS,
  type JwkSetEndpoint,
  type JwkSetEndpointOptions,
  jwkSetEndpoint,
} from './jwk-set/jwk-set-endpoint.ts'
export { DEFAULT_JWK_SET_MAX_KEYS, type JwkSetOptions, parseJwkSet } from './jwk-set/parse-jwk-set.ts'
export { type KeyAuthorityOptions, keyAuthority } from './key-authority.ts'
export {
  type BundleEndpointOptions,
  type BundleEndpointProfile,
  bundleEndpointSource,
  DEFAULT_BUNDLE_TIMEOUT_MS,
} from './source/bundle-endpoint-source.ts'
export { type BundleRequest, type EndpointAuthentication, type FetchBundle, webFetchBundle } from './source/fetch-bundle.ts'
export { DEFAULT_POLL_SECONDS, type PollSeconds } from './source/poll-interval.ts'
export { type StaticBundleOptions, type StaticBundles, staticSource } from './source/static-source.ts'
export { staticTrust } from './source/static-trust.ts'
export {
  createTrustStore,
  DEFAULT_REFRESH_COOLDOWN_SECONDS,
  DEFAULT_TRUST_MAX_AGE_SECONDS,
  type ManagedTrustStore,
  type TrustSourceSelection,
  type TrustStoreOptions,
} from './store/create-trust-store.ts'
export type { TrustEvent, TrustEventListener } from './store/trust-event.ts'
export type { AnchorStatus, TrustDomainStatus } from './store/trust-status.ts'
export type { AnchorKind, BundleContents, KeyAuthority, TrustBundle } from './trust-bundle.ts'
export type { AnchorView, TrustSink, TrustSource } from './trust-source.ts'
export type { TrustStore } from './trust-store.ts'
