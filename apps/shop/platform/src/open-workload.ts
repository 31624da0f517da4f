import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { WimseError } from '@wimse/core'
import { defaultRuntime, isSignatureAlgorithm, type SignatureAlgorithm } from '@wimse/keys'
import { bundleEndpointSource } from '@wimse/trust'
import { nodeFetchBundle } from '@wimse/trust/node'
import { createBridgedWitSource } from '@wimse/wit-agent/client'
import { createWorkload, type Workload, type WorkloadApiSourceOptions, workloadApi } from '@wimse/workload/node'
import { keyOfRequest } from './key-of-request.ts'
import type { ServiceConfig, WitAgentConfig } from './service-config.ts'

/** A service that starts before its registration waits for it. */
const READY_TIMEOUT_MS = 600_000

/**
 * The identity of a service and its peers: X.509-SVID, WIT and anchors from the Workload API, and what that doesn't serve from a WIT agent.
 * Resolves when the credentials are there.
 *
 * @param options `wit: 'none'` for a service that makes no proofs of its own
 * @throws WimseError `ERR_CREDENTIAL_UNAVAILABLE`, `ERR_WORKLOAD_API_…`, `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_…`
 */
export async function openWorkload({ peers, platform }: ServiceConfig, options: { readonly wit?: 'none' } = {}): Promise<Workload> {
  const { workloadApi: address, witAgent, witBundles, addresses } = platform
  const wit = options.wit ?? (witAgent && bridged(witAgent))
  const source = await workloadApi({
    ...(address !== undefined && { address }),
    ...(wit !== undefined && { wit }),
    trustSources: witBundles.map(({ trustDomain, url, endpointIdentifier }) => ({
      source: bundleEndpointSource({
        trustDomain,
        url,
        profile: { kind: 'https_spiffe', endpointIdentifier },
        pollSeconds: { min: 1, max: 5 },
        fetchBundle: nodeFetchBundle(),
      }),
      kinds: ['wit'],
    })),
  })
  const own = source.wit === undefined ? source : { ...source, wit: keyOfRequest(source.wit, defaultRuntime()) }
  return createWorkload({ source: own, peers, tls: { lookup: fixedLookup(addresses) }, readyTimeoutMs: READY_TIMEOUT_MS })
}

function bridged({ url, identifier, algorithm = 'ES256' }: WitAgentConfig): WorkloadApiSourceOptions['wit'] {
  if (!isSignatureAlgorithm(algorithm)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'platform.witAgent.algorithm' })
  const chosen: SignatureAlgorithm = algorithm
  return ({ x509, trust }) =>
    createBridgedWitSource({ x509Source: x509, trust, endpoint: url, agentIdentifier: identifier, algorithm: chosen })
}

/** Which address a name leads to matters to nobody: who answers there has to be the expected workload. */
function fixedLookup(addresses: Readonly<Record<string, string>>): LookupFunction {
  return (hostname, options, callback) => {
    const address = addresses[hostname]
    if (address === undefined) lookup(hostname, options, callback)
    else if (options.all === true) callback(null, [{ address, family: isIP(address) }])
    else callback(null, address, isIP(address))
  }
}
