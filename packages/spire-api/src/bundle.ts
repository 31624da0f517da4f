import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { spireApiError, translateErrors } from './errors.ts'
import { Bundle as BundleService } from './generated/spire/api/server/bundle/v1/bundle_pb.ts'
import type { Bundle } from './generated/spire/api/types/bundle_pb.ts'

/** A public key of a JWT or WIT authority. */
export interface AuthorityKey {
  readonly keyId: string
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
  /** Seconds since the epoch; 0: never. */
  readonly expiresAt: number
  /** Still published, no longer to be trusted. */
  readonly tainted: boolean
}

/** What a trust domain is believed by, as the SPIRE server knows it. */
export interface TrustDomainBundle {
  readonly trustDomain: string
  /** Certificates, DER. */
  readonly x509Authorities: readonly { readonly certificate: Uint8Array; readonly tainted: boolean }[]
  readonly jwtAuthorities: readonly AuthorityKey[]
  /** Only here: SPIRE 1.15 leaves these out of its bundle endpoint and of what it keeps of federated trust domains. */
  readonly witAuthorities: readonly AuthorityKey[]
  /** Seconds; 0: none given. */
  readonly refreshHintSeconds: number
  readonly sequence: bigint
}

/**
 * The bundle of the server's own trust domain, WIT authorities included. Any TLS client may ask for it.
 *
 * @throws ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_MALFORMED
 */
export async function getBundle(transport: Transport, options?: CallOptions): Promise<TrustDomainBundle> {
  return translateErrors(async () => readBundle(await createClient(BundleService, transport).getBundle({}, options)))
}

/**
 * What the server keeps of a federated trust domain; `undefined` when it keeps nothing.
 *
 * @param transport {@link openAdminSocket}, or {@link openServerPort} with a node's SVID.
 * @throws ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_MALFORMED
 */
export async function getFederatedBundle(
  transport: Transport,
  trustDomain: string,
  options?: CallOptions,
): Promise<TrustDomainBundle | undefined> {
  return translateErrors(
    async () => readBundle(await createClient(BundleService, transport).getFederatedBundle({ trustDomain }, options)),
    { notFound: undefined },
  )
}

function readBundle(bundle: Bundle): TrustDomainBundle {
  if (!bundle.trustDomain) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'a bundle lacks the name of its trust domain')
  return {
    trustDomain: bundle.trustDomain,
    x509Authorities: bundle.x509Authorities.map(({ asn1, tainted }) => ({ certificate: asn1, tainted })),
    jwtAuthorities: bundle.jwtAuthorities.map(readKey),
    witAuthorities: bundle.witAuthorities.map(readKey),
    refreshHintSeconds: Number(bundle.refreshHint),
    sequence: bundle.sequenceNumber,
  }
}

function readKey(key: Bundle['jwtAuthorities'][number] | Bundle['witAuthorities'][number]): AuthorityKey {
  return { keyId: key.keyId, publicKey: key.publicKey, expiresAt: Number(key.expiresAt), tainted: key.tainted }
}
