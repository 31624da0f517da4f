export { ENDPOINT_VARIABLE, MAX_SOCKET_PATH_BYTES, parseWorkloadApiAddress, type WorkloadApiAddress } from './connection/address.ts'
export {
  DEFAULT_CALL_TIMEOUT_MS,
  DEFAULT_MAX_MESSAGE_BYTES,
  openWorkloadApi,
  type WorkloadApi,
  type WorkloadApiOptions,
} from './connection/open-workload-api.ts'
export { type JwkBundles, watchJwtBundles, watchWitBundles, watchX509Bundles, type X509Bundles } from './profiles/bundles.ts'
export { type IdentitySelection, MAX_HINT_BYTES, selectIdentity } from './profiles/hints.ts'
export { MAX_JWK_SET_BYTES } from './profiles/jwk-sets.ts'
export {
  fetchJwtSvid,
  fetchJwtSvids,
  type JwtSvidCredential,
  type JwtSvidRequest,
  type ValidatedJwtSvid,
  validateJwtSvid,
} from './profiles/jwt-svid.ts'
export { type WatchWitSvidsOptions, type WitContext, watchWitSvids } from './profiles/wit-svid.ts'
export { watchX509Contexts, type X509Context, type X509Credential } from './profiles/x509-svid.ts'
export { createJwtSource, DEFAULT_MAX_AUDIENCES, type JwtSource, type JwtSourceOptions } from './sources/jwt-source.ts'
export { type CredentialSource, createLiveValue, type LiveValue, type LiveValueRules } from './sources/live-value.ts'
export type { WatchedSourceOptions } from './sources/svid-source.ts'
export {
  type WorkloadApiTrustSourceOptions,
  workloadApiTrustSource,
} from './sources/trust-source.ts'
export { createWitSource, type WitSource, type WitSourceOptions } from './sources/wit-source.ts'
export { createX509Source, type X509Source } from './sources/x509-source.ts'
export { type Backoff, type BackoffOptions, createBackoff, DEFAULT_INITIAL_DELAY_MS, DEFAULT_MAX_DELAY_MS } from './stream/backoff.ts'
export type { Watcher, WatchFailure, WatchOptions } from './stream/watch-stream.ts'
