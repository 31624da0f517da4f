import type { Transport } from '@connectrpc/connect'
import { formatBundleDocument, getBundle, getFederatedBundle, parseBundleDocument, spireAdmin } from '@wimse/spire-api'
import { rotateAuthorities } from './rotate-authorities.ts'
import type { SpireAdministration } from './spire-domain.ts'
import { waitUntil } from './wait-until.ts'
import { parseSelector } from './workload-slot.ts'

const JOIN_TOKEN_TTL_SECONDS = 600
const FEDERATION_TIMEOUT_MS = 15_000

/** Administers a server over its administration socket. */
export function administer(transport: Transport, nodeSpiffeId: string, restartWithoutWitKey: () => Promise<void>): SpireAdministration {
  const admin = spireAdmin(transport)
  const federatesWithOf = new Map<string, readonly string[]>()

  const federatedBundle: SpireAdministration['federatedBundle'] = async (trustDomain) => {
    const bundle = await getFederatedBundle(transport, trustDomain)
    return bundle && formatBundleDocument(bundle)
  }

  return {
    federatedBundle,
    joinToken: (spiffeId) => admin.createJoinToken(spiffeId, JOIN_TOKEN_TTL_SECONDS),
    createEntry: async ({ parentId = nodeSpiffeId, selectors, ...entry }) => {
      const created = await admin.createEntry({ ...entry, parentId, selectors: selectors.map(parseSelector) })
      federatesWithOf.set(created.id, created.federatesWith)
      return created
    },
    deleteEntry: async (entryId) => {
      await admin.deleteEntry(entryId)
      federatesWithOf.delete(entryId)
    },
    bundle: async () => formatBundleDocument(await getBundle(transport)),
    setBundle: (trustDomain, { keys, spiffe_sequence }) =>
      admin.setFederatedBundle(parseBundleDocument(trustDomain, { keys, spiffe_sequence })),
    deleteBundle: (trustDomain) => admin.deleteFederatedBundle(trustDomain),
    federate: async (trustDomain, { url, profile, spiffeId }) => {
      await admin.createFederation({
        trustDomain,
        bundleEndpointUrl: url,
        profile: profile === 'https_web' ? { type: profile } : { type: profile, endpointSpiffeId: spiffeId },
      })
      // A bundle that was set by hand has no refresh hint; SPIRE's endpoint always gives one. Its arrival shows that the server
      // polls, which it would not go on doing if `refreshBundle` were the first to tell it of the relationship.
      await waitUntil(
        `the bundle of ${trustDomain} from its endpoint`,
        async () => (await federatedBundle(trustDomain))?.spiffe_refresh_hint !== undefined,
        { timeoutMs: FEDERATION_TIMEOUT_MS },
      )
    },
    unfederate: async (trustDomain) => {
      await admin.deleteFederation(trustDomain)
      // Answers once the poller of that relationship has stopped: after this no late poll can bring the bundle back.
      await admin.refreshFederation(trustDomain)
      await admin.deleteFederatedBundle(trustDomain)
    },
    restoreEntries: async (trustDomain) => {
      for (const [entryId, federatesWith] of federatesWithOf) {
        if (federatesWith.includes(trustDomain)) await admin.setFederatesWith(entryId, federatesWith)
      }
    },
    refreshBundle: async (trustDomain) => {
      await admin.refreshFederation(trustDomain)
    },
    rotateAuthorities: (kind, options = {}) => rotateAuthorities(transport, kind, options, restartWithoutWitKey),
  }
}
