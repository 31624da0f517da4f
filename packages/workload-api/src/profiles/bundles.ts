import { type TrustDomain, utf8 } from '@wimse/core'
import type { KeyAuthority } from '@wimse/trust'
import { malformed } from '../connection/call-errors.ts'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import { type Watcher, type WatchOptions, watchStream } from '../stream/watch-stream.ts'
import { decodeCertificates } from './certificates.ts'
import { decodeBundleMap } from './identities.ts'
import { decodeJwkSet, requireDistinctKids } from './jwk-sets.ts'

/** X.509 roots (DER) by trust domain, and revocation lists (DER, not judged). They authenticate X.509-SVIDs and nothing else (WLAPI-5.2.2-01). */
export interface X509Bundles {
  readonly bundles: ReadonlyMap<TrustDomain, readonly Uint8Array[]>
  readonly revocationLists: readonly Uint8Array[]
}

/** Keys by trust domain. Those of the JWT profile authenticate JWT-SVIDs and those of the WIT profile WIT-SVIDs, nothing else. */
export type JwkBundles = ReadonlyMap<TrustDomain, readonly KeyAuthority[]>

/**
 * Watches the X.509 bundles of the own and of federated trust domains. Each update is the whole set; a message without bundles,
 * with a key that is no trust domain, or with anything but DER certificates is dropped.
 *
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_INVALID_ARGUMENT`, `ERR_WORKLOAD_API_UNIMPLEMENTED`
 * @see SPIFFE Workload API, section 5.2.2
 */
export function watchX509Bundles(api: WorkloadApi, watcher: Watcher<X509Bundles>, options: WatchOptions = {}): Promise<void> {
  return watchStream(
    api,
    {
      open: (signal) => api.client.fetchX509Bundles({}, { signal }),
      decode: ({ bundles, crl }) => ({
        bundles: decodeBundleMap(present(bundles), decodeCertificates),
        revocationLists: crl,
      }),
    },
    watcher,
    options,
  )
}

/**
 * Watches the JWT bundles. Each update is the whole set; a message without bundles or with something else than JWK Sets is dropped.
 *
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_INVALID_ARGUMENT`, `ERR_WORKLOAD_API_UNIMPLEMENTED`
 * @see SPIFFE Workload API, section 6.2.2
 */
export function watchJwtBundles(api: WorkloadApi, watcher: Watcher<JwkBundles>, options: WatchOptions = {}): Promise<void> {
  return watchStream(
    api,
    {
      open: (signal) => api.client.fetchJWTBundles({}, { signal }),
      decode: ({ bundles }) => decodeBundleMap(present(bundles), (jwks) => decodeJwkSet(jwks, 'jwt-svid', api.runtime)),
    },
    watcher,
    options,
  )
}

/**
 * Watches the WIT bundles, as {@link watchJwtBundles}; besides, each key has to have a `kid` of its own. Many servers do not serve
 * this profile: they answer `Unimplemented`, which ends the watch for good (WLAPI-7-02).
 *
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_UNIMPLEMENTED`, `ERR_WORKLOAD_API_INVALID_ARGUMENT`
 * @see SPIFFE Workload API, section 7.2.2
 */
export function watchWitBundles(api: WorkloadApi, watcher: Watcher<JwkBundles>, options: WatchOptions = {}): Promise<void> {
  return watchStream(
    api,
    {
      open: (signal) => api.client.fetchWITBundles({}, { signal }),
      decode: ({ bundles }) =>
        decodeBundleMap(present(bundles), (jwks) => {
          const set = decodeJwkSet(utf8(jwks), 'wit-svid', api.runtime)
          requireDistinctKids(set)
          return set
        }),
    },
    watcher,
    options,
  )
}

/** `bundles` is mandatory: at least that of the server's own trust domain is in it (WLAPI-5.2.2-02, WLAPI-6.2.2-02, WLAPI-7.2.2-02). */
function present<B>(bundles: Readonly<Record<string, B>>): Readonly<Record<string, B>> {
  if (Object.keys(bundles).length === 0) throw malformed('no bundle')
  return bundles
}
