import type { BundleDocument } from '@wimse/spire-api'
import type { SpireDomain } from './spire-domain.ts'
import { waitUntil } from './wait-until.ts'

/** Two domains that believe each other's workloads, without a common root. */
export interface Federation {
  /** `follower` forgets the other domain: it believes none of its workloads, and its own no longer get that bundle. */
  withdraw(follower: SpireDomain): Promise<void>
  /** Undoes {@link Federation.withdraw}: entries that federated before do so again. */
  restore(follower: SpireDomain): Promise<void>
}

const FETCH_TIMEOUT_MS = 20_000

/**
 * Makes two domains follow each other's bundle endpoints, each by the profile that the other one serves. Returns when each
 * server has the other's present bundle.
 */
export async function federate(first: SpireDomain, second: SpireDomain): Promise<Federation> {
  await Promise.all([follow(first, second), follow(second, first)])
  const peerOf = (follower: SpireDomain): SpireDomain => (follower === first ? second : first)
  return {
    withdraw: (follower) => follower.unfederate(peerOf(follower).trustDomain),
    restore: async (follower) => {
      await follow(follower, peerOf(follower))
      await follower.restoreEntries(peerOf(follower).trustDomain)
    },
  }
}

async function follow(follower: SpireDomain, followed: SpireDomain): Promise<void> {
  const { trustDomain, bundleEndpoint } = followed
  // An `https_spiffe` endpoint is authenticated by its own bundle, so the first one comes another way. The Web PKI needs none.
  if (bundleEndpoint.profile === 'https_spiffe') await follower.setBundle(trustDomain, await followed.bundle())
  await follower.federate(trustDomain, bundleEndpoint)
  await awaitBundle(follower, followed)
}

/** Returns when `follower` has every X.509 and JWT authority that `followed` has now; asks it to fetch meanwhile. */
export async function awaitBundle(follower: SpireDomain, followed: SpireDomain): Promise<void> {
  const wanted = authoritiesOf(await followed.bundle())
  const arrived = async (): Promise<boolean> => {
    const present = authoritiesOf(await follower.federatedBundle(followed.trustDomain))
    return [...wanted].every((authority) => present.has(authority))
  }
  if (await arrived()) return
  await waitUntil(
    `the bundle of ${followed.trustDomain} at ${follower.trustDomain}`,
    async () => {
      await follower.refreshBundle(followed.trustDomain)
      return arrived()
    },
    { timeoutMs: FETCH_TIMEOUT_MS, intervalMs: 250 },
  )
}

// Not the WIT authorities: SPIRE 1.15 keeps none of other domains.
function authoritiesOf(bundle: BundleDocument | undefined): ReadonlySet<string> {
  return new Set((bundle?.keys ?? []).filter(({ use }) => use !== 'wit-svid').map(({ use, x5c, kid }) => JSON.stringify([use, x5c ?? kid])))
}
