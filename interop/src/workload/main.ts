import { parseTrustDomain } from '@wimse/core'
import { bundleEndpointSource } from '@wimse/trust'
import { nodeFetchBundle } from '@wimse/trust/node'
import { createBridgedWitSource } from '@wimse/wit-agent/client'
import { createWorkload, type Workload, type WorkloadSource, workloadApi } from '@wimse/workload/node'
import type { PeerStatus } from '../world/control-protocol.ts'
import type { TrustDomainName } from '../world/world.ts'
import { createCaller } from './caller.ts'
import { startControlServer } from './control-server.ts'
import { proveMessage } from './prove-message.ts'
import { witHash } from './redact.ts'
import { startService } from './service.ts'
import { startStream } from './stream.ts'
import { readWorkloadConfig, type WorkloadConfig } from './workload-config.ts'

const TRUST_DOMAINS: readonly TrustDomainName[] = ['shop.example', 'bank.example']

/** A line for the operator. No token is ever in it. */
function print(event: string, details: Readonly<Record<string, unknown>> = {}): void {
  console.error(JSON.stringify({ at: new Date().toISOString(), event, ...details }))
}

/** The WIT agent's half: the anchors that the SPIRE agent does not serve, and the WITs themselves. */
async function openSource(config: WorkloadConfig): Promise<WorkloadSource> {
  const { workloadApi: address, wit, witBundles, algorithm } = config
  const trustSources = witBundles.map(({ trustDomain, url, endpointIdentifier }) => ({
    source: bundleEndpointSource({
      trustDomain,
      url,
      profile: { kind: 'https_spiffe', endpointIdentifier },
      pollSeconds: { min: 1, max: 5 },
      fetchBundle: nodeFetchBundle(),
    }),
    kinds: ['wit'] as const,
  }))
  return workloadApi({
    address,
    trustSources,
    ...(wit.mode === 'bridged' && {
      wit: ({ x509, trust }) =>
        createBridgedWitSource({
          x509Source: x509,
          trust,
          endpoint: wit.url,
          agentIdentifier: wit.agentIdentifier,
          algorithm,
          onFailure: ({ error }) => print('wit-unavailable', { code: error.code }),
        }),
    }),
  })
}

function statusOf(
  source: WorkloadSource,
  config: WorkloadConfig,
  rotations: PeerStatus['rotations'],
  errors: readonly string[],
): PeerStatus {
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return step()
    } catch {
      return undefined
    }
  }
  const x509 = attempt(() => source.x509.current())
  const wit = attempt(() => source.wit?.current())
  const trustDomains = TRUST_DOMAINS.flatMap((name) => {
    const bundle = attempt(() => source.trust.bundle(parseTrustDomain(name)))
    if (bundle === undefined) return []
    const { x509Authorities, jwtAuthorities, witAuthorities } = bundle
    const kinds = Object.entries({ x509: x509Authorities, jwt: jwtAuthorities, wit: witAuthorities })
    return [{ name, kinds: kinds.filter(([, authorities]) => authorities.length > 0).map(([kind]) => kind) }]
  })
  return {
    ready: x509 !== undefined && wit !== undefined,
    ...(x509 && { identifier: x509.identifier, x509ExpiresAt: x509.notAfter }),
    ...(wit && { witExpiresAt: wit.expiresAt, witHash: witHash(wit.token), witAlgorithm: wit.signer.algorithm }),
    witSource: config.wit.mode,
    rotations: { ...rotations },
    trustDomains,
    errors: [...errors],
  }
}

function fail(): never {
  throw new Error('no WIT')
}

/** Errors that the status tells; the oldest go first. */
const MAX_ERRORS = 200

/**
 * A workload of the sample world: gets its credentials, serves, and makes the calls that the suite asks for. Its one argument is the path of
 * its configuration. What it prints are lines of JSON without any token.
 */
async function run(path: string | undefined): Promise<void> {
  if (path === undefined) throw new Error('usage: main.ts CONFIGURATION')
  const config = await readWorkloadConfig(path)
  const source = await openSource(config)
  const rotations = { x509: 0, wit: 0 }
  const errors: string[] = []
  const onError = (code: string): void => {
    errors.push(code)
    if (errors.length > MAX_ERRORS) errors.shift()
    print('refused', { code })
  }
  source.x509.onRotate(({ notAfter }) => {
    rotations.x509 += 1
    print('x509-svid', { notAfter })
  })
  source.wit?.onRotate(({ expiresAt, token }) => {
    rotations.wit += 1
    print('wit-svid', { expiresAt, hash: witHash(token) })
  })
  const caller = createCaller(config, source)
  await startControlServer(config.control, {
    caller,
    status: () => statusOf(source, config, rotations, errors),
    lendWit: () => ({ token: source.wit?.current().token ?? '' }),
    lendJwtSvid: async (audience) => ({ token: (await (source.jwt ?? fail()).fetch(audience)).token }),
    proveMessage: (spec) => proveMessage(spec, source.wit?.current() ?? fail()),
    startStream: (spec) =>
      startStream(spec, caller, {
        x509: () => String(source.x509.current().notAfter),
        wit: () => witHash(source.wit?.current().token ?? ''),
      }),
  })
  print('control', { ...config.control })
  // A workload without an entry waits here for ever; its status says so.
  await source.ready()
  const options = { source, peers: config.peers, witProfile: 'wit-svid' as const, readyTimeoutMs: 600_000 }
  const workload: Workload = await createWorkload(options)
  await startService(config, workload, onError)
  print('ready', { identifier: workload.identifier })
}

process.on('SIGTERM', () => process.exit(0))
run(process.argv[2]).catch((error: unknown) => {
  print('failed', { error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' })
  process.exitCode = 1
})
