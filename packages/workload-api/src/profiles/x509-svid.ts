import { type Runtime, type TrustDomain, trustDomainOf, type WorkloadIdentifier } from '@wimse/core'
import { malformed } from '../connection/call-errors.ts'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import type { X509SVID, X509SVIDResponse } from '../generated/workload_pb.ts'
import { type Watcher, type WatchOptions, watchStream } from '../stream/watch-stream.ts'
import { checkLeaf, checkPrivateKey, decodeCertificates } from './certificates.ts'
import { firstOfEachHint } from './hints.ts'
import { decodeBundleMap, parseSpiffeId } from './identities.ts'

/** An X.509-SVID with its private key: what a TLS endpoint needs to be this workload. */
export interface X509Credential {
  readonly identifier: WorkloadIdentifier
  readonly trustDomain: TrustDomain
  /** DER, leaf first, then intermediates. */
  readonly chain: readonly Uint8Array[]
  /** PKCS#8, DER, unencrypted. */
  readonly privateKey: Uint8Array
  /** End of validity of the leaf in seconds since the epoch. */
  readonly notAfter: number
  /** What the operator says this identity is for. */
  readonly hint?: string
}

/** Everything that the X.509 profile gives this workload. */
export interface X509Context {
  /** The default identity first (WLAPI-8-01). */
  readonly svids: readonly [X509Credential, ...X509Credential[]]
  /** Roots (DER) of the own and of federated trust domains. They authenticate X.509-SVIDs and nothing else (WLAPI-5.2.1-01). */
  readonly bundles: ReadonlyMap<TrustDomain, readonly Uint8Array[]>
  /** DER, not judged. */
  readonly revocationLists: readonly Uint8Array[]
}

/**
 * Watches the X.509-SVIDs of this workload with the bundles that come with them. A message is dropped as a whole, and what came
 * before it stays, when a mandatory field is empty (WLAPI-4.5-02), something isn't DER (WLAPI-5.1-04), the first certificate is
 * not the leaf of that identity (WLAPI-5.1-02), or the private key is encrypted (WLAPI-5.1-03) or of another certificate.
 * It is not checked that a chain leads to the bundle beside it: verifiers do that.
 *
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_INVALID_ARGUMENT`, `ERR_WORKLOAD_API_UNIMPLEMENTED`
 * @see SPIFFE Workload API, section 5.2.1
 */
export function watchX509Contexts(api: WorkloadApi, watcher: Watcher<X509Context>, options: WatchOptions = {}): Promise<void> {
  return watchStream(
    api,
    {
      open: (signal) => api.client.fetchX509SVID({}, { signal }),
      decode: (message) => decodeX509Context(message, api.runtime),
    },
    watcher,
    options,
  )
}

async function decodeX509Context({ svids, crl, federatedBundles }: X509SVIDResponse, runtime: Runtime): Promise<X509Context> {
  const [first, ...rest] = await Promise.all(firstOfEachHint(svids).map((svid) => decodeX509Svid(svid, runtime)))
  if (first === undefined) throw malformed('no X.509-SVID') // WLAPI-5.2.1-02
  const own = [first, ...rest].map(({ credential, bundle }) => [credential.trustDomain, bundle] as const)
  return {
    svids: [first.credential, ...rest.map(({ credential }) => credential)],
    // What the server says of a trust domain that it gives identities in counts, whatever a federated entry says.
    bundles: new Map([...decodeBundleMap(federatedBundles, decodeCertificates), ...own.toReversed()]),
    revocationLists: crl,
  }
}

interface DecodedX509Svid {
  readonly credential: X509Credential
  readonly bundle: readonly Uint8Array[]
}

async function decodeX509Svid(svid: X509SVID, runtime: Runtime): Promise<DecodedX509Svid> {
  const identifier = parseSpiffeId(svid.spiffeId)
  const chain = decodeCertificates(svid.x509Svid)
  const bundle = decodeCertificates(svid.bundle)
  const privateKey = svid.x509SvidKey.slice()
  const [leaf] = chain
  if (leaf === undefined || bundle.length === 0 || privateKey.length === 0) throw malformed('an X.509-SVID lacks a field') // WLAPI-5.2.1-04
  const notAfter = checkLeaf(leaf, identifier)
  await checkPrivateKey(privateKey, leaf, runtime)
  const hint = svid.hint === '' ? {} : { hint: svid.hint }
  return { credential: { identifier, trustDomain: trustDomainOf(identifier), chain, privateKey, notAfter, ...hint }, bundle }
}
