import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Runtime } from '@wimse/core'
import { bundleEndpointSource } from '@wimse/trust'
import { nodeFetchBundle } from '@wimse/trust/node'
import { createWorkload, type Workload, workloadApi } from '@wimse/workload/node'
import type { TokenServiceConfig } from '../config/token-service-config.ts'

/**
 * Opens the service's own identity: its X.509-SVID and the anchors of its clients, from the Workload API, and the keys of WITs from bundle endpoints
 * where that has none. It needs no WIT of its own: it calls other token services over mutual TLS.
 *
 * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE`, `ERR_WORKLOAD_API_…`, `ERR_OPTIONS_INVALID`
 */
export function openWorkload(config: TokenServiceConfig, runtime: Runtime): Promise<Workload> {
  const { witBundles, addresses, workloadApi: address, accessTokenIssuers, chaining } = config
  const trustSources = witBundles.map(({ trustDomain, url, endpointIdentifier }) => ({
    source: bundleEndpointSource({
      trustDomain,
      url,
      profile: { kind: 'https_spiffe', endpointIdentifier },
      fetchBundle: nodeFetchBundle({ runtime }),
      runtime,
    }),
    kinds: ['wit'] as const,
  }))
  const peers = Object.fromEntries(
    [...accessTokenIssuers, ...chaining.inbound].flatMap(({ jwksUri, peer }) =>
      jwksUri === undefined || peer === undefined ? [] : [[new URL(jwksUri).origin, peer] as const],
    ),
  )
  const source = workloadApi({ wit: 'none', trustSources, runtime, ...(address !== undefined && { address }) })
  return createWorkload({ source, peers, proof: 'mutual-tls', tls: { lookup: lookupOf(addresses) }, runtime })
}

/** Which address a name leads to decides nothing: who answers there has to be the expected peer. */
function lookupOf(addresses: Readonly<Record<string, string>>): LookupFunction {
  return (hostname, options, callback) => {
    const address = Object.hasOwn(addresses, hostname) ? addresses[hostname] : undefined
    if (address === undefined) lookup(hostname, options, callback)
    else if (options.all === true) callback(null, [{ address, family: isIP(address) }])
    else callback(null, address, isIP(address))
  }
}
