import type { MessageInitShape } from '@bufbuild/protobuf'
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import type { TrustDomainBundle } from './bundle.ts'
import { type RegistrationEntry, readEntry } from './entry.ts'
import { checkStatus, spireApiError, translateErrors } from './errors.ts'
import { Agent } from './generated/spire/api/server/agent/v1/agent_pb.ts'
import { BatchDeleteFederatedBundleRequest_Mode, Bundle } from './generated/spire/api/server/bundle/v1/bundle_pb.ts'
import { Entry } from './generated/spire/api/server/entry/v1/entry_pb.ts'
import { TrustDomain } from './generated/spire/api/server/trustdomain/v1/trustdomain_pb.ts'
import type { BundleSchema } from './generated/spire/api/types/bundle_pb.ts'
import type { FederationRelationshipSchema } from './generated/spire/api/types/federationrelationship_pb.ts'
import { parseSpiffeId } from './identifier.ts'

export type NewEntry = Pick<RegistrationEntry, 'spiffeId' | 'parentId' | 'selectors'> &
  Partial<Omit<RegistrationEntry, 'id' | 'spiffeId' | 'parentId' | 'selectors'>>

/** How a server fetches the bundle of a foreign trust domain. */
export interface FederationRelationship {
  readonly trustDomain: string
  readonly bundleEndpointUrl: string
  readonly profile: { readonly type: 'https_web' } | { readonly type: 'https_spiffe'; readonly endpointSpiffeId: string }
}

/**
 * The administration of a SPIRE server, as far as the interop suite needs it. Methods throw ERR_SPIRE_API_ARGUMENT,
 * ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE or ERR_SPIRE_API_MALFORMED.
 */
export interface SpireAdmin {
  /** A token that one node may attest with once; the node also gets `spiffeId` as an alias to be named as parent by entries. */
  createJoinToken(spiffeId: string, ttlSeconds: number, options?: CallOptions): Promise<string>
  createEntry(entry: NewEntry, options?: CallOptions): Promise<RegistrationEntry>
  /** Replaces the trust domains that an entry federates with. */
  setFederatesWith(entryId: string, trustDomains: readonly string[], options?: CallOptions): Promise<void>
  deleteEntry(entryId: string, options?: CallOptions): Promise<void>
  /** Sets what the server keeps of a federated trust domain. SPIRE 1.15 drops the WIT authorities of it. */
  setFederatedBundle(bundle: TrustDomainBundle, options?: CallOptions): Promise<void>
  /** Forgets a federated trust domain; entries that federate with it stay, without it. */
  deleteFederatedBundle(trustDomain: string, options?: CallOptions): Promise<void>
  createFederation(relationship: FederationRelationship, options?: CallOptions): Promise<void>
  deleteFederation(trustDomain: string, options?: CallOptions): Promise<void>
  /**
   * Fetches the foreign bundle now instead of at the next poll; `false` when no such relationship exists. In SPIRE 1.15 a
   * relationship that the server notices only through this call is not polled afterwards.
   */
  refreshFederation(trustDomain: string, options?: CallOptions): Promise<boolean>
}

/** @param transport {@link openAdminSocket}, or {@link openServerPort} with an administrator's X.509-SVID. */
export function spireAdmin(transport: Transport): SpireAdmin {
  const agents = createClient(Agent, transport)
  const bundles = createClient(Bundle, transport)
  const entries = createClient(Entry, transport)
  const trustDomains = createClient(TrustDomain, transport)
  return {
    createJoinToken: (spiffeId, ttlSeconds, options) =>
      translateErrors(async () => {
        const request = { ttl: ttlSeconds, agentId: parseSpiffeId(spiffeId) }
        return (await agents.createJoinToken(request, options)).value
      }),
    createEntry: (entry, options) =>
      translateErrors(async () => {
        const { results } = await entries.batchCreateEntry({ entries: [writeEntry(entry)] }, options)
        checkStatus(results[0]?.status)
        const created = results[0]?.entry
        if (!created) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server lacks the entry')
        return readEntry(created)
      }),
    setFederatesWith: (id, federatesWith, options) =>
      translateErrors(async () => {
        const request = { entries: [{ id, federatesWith: [...federatesWith] }], inputMask: { federatesWith: true } }
        checkStatus((await entries.batchUpdateEntry(request, options)).results[0]?.status)
      }),
    deleteEntry: (entryId, options) =>
      translateErrors(async () => checkStatus((await entries.batchDeleteEntry({ ids: [entryId] }, options)).results[0]?.status)),
    setFederatedBundle: (bundle, options) =>
      translateErrors(async () => {
        const { results } = await bundles.batchSetFederatedBundle({ bundle: [writeBundle(bundle)] }, options)
        checkStatus(results[0]?.status)
      }),
    deleteFederatedBundle: (trustDomain, options) =>
      translateErrors(async () => {
        const request = { trustDomains: [trustDomain], mode: BatchDeleteFederatedBundleRequest_Mode.DISSOCIATE }
        checkStatus((await bundles.batchDeleteFederatedBundle(request, options)).results[0]?.status)
      }),
    createFederation: ({ trustDomain, bundleEndpointUrl, profile }, options) =>
      translateErrors(async () => {
        const bundleEndpointProfile: MessageInitShape<typeof FederationRelationshipSchema>['bundleEndpointProfile'] =
          profile.type === 'https_web'
            ? { case: 'httpsWeb', value: {} }
            : { case: 'httpsSpiffe', value: { endpointSpiffeId: profile.endpointSpiffeId } }
        const federationRelationships = [{ trustDomain, bundleEndpointUrl, bundleEndpointProfile }]
        const answer = await trustDomains.batchCreateFederationRelationship({ federationRelationships }, options)
        checkStatus(answer.results[0]?.status)
      }),
    deleteFederation: (trustDomain, options) =>
      translateErrors(async () => {
        const request = { trustDomains: [trustDomain] }
        checkStatus((await trustDomains.batchDeleteFederationRelationship(request, options)).results[0]?.status)
      }),
    refreshFederation: (trustDomain, options) =>
      translateErrors(() => trustDomains.refreshBundle({ trustDomain }, options).then(() => true), { notFound: false }),
  }
}

function writeEntry(entry: NewEntry) {
  return {
    spiffeId: parseSpiffeId(entry.spiffeId),
    parentId: parseSpiffeId(entry.parentId),
    selectors: entry.selectors.map(({ type, value }) => ({ type, value })),
    x509SvidTtl: entry.x509SvidTtlSeconds ?? 0,
    jwtSvidTtl: entry.jwtSvidTtlSeconds ?? 0,
    federatesWith: [...(entry.federatesWith ?? [])],
    dnsNames: [...(entry.dnsNames ?? [])],
    hint: entry.hint ?? '',
    expiresAt: BigInt(entry.expiresAt ?? 0),
  }
}

function writeBundle(bundle: TrustDomainBundle): MessageInitShape<typeof BundleSchema> {
  const writeKey = (key: TrustDomainBundle['jwtAuthorities'][number]) => ({ ...key, expiresAt: BigInt(key.expiresAt) })
  return {
    trustDomain: bundle.trustDomain,
    x509Authorities: bundle.x509Authorities.map(({ certificate, tainted }) => ({ asn1: certificate, tainted })),
    jwtAuthorities: bundle.jwtAuthorities.map(writeKey),
    witAuthorities: bundle.witAuthorities.map(writeKey),
    refreshHint: BigInt(bundle.refreshHintSeconds),
    sequenceNumber: bundle.sequence,
  }
}
