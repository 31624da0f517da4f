import { type Runtime, sameOctets, WimseError } from '@wimse/core'
import { describeFailure, type OperatorLog } from '@wimse/program'
import { getAuthorizedEntries, getBundle, issueX509Svid, type TrustDomainBundle } from '@wimse/spire-api'
import { createLiveValue, type LiveValue } from '@wimse/workload-api'
import type { WitAgentConfig } from '../config/wit-agent-config.ts'
import { type BundlePublication, nothingPublished, publishBundle } from './bundle-publication.ts'
import { createEntryCache, type EntryCache } from './entry-cache.ts'
import { type HeldSvid, isLive, obtainSvid } from './held-svid.ts'
import { createSpireNode, SPIRE_TIMEOUT_MS, type SpireNode } from './spire-node.ts'
import type { AgentState, StateStore } from './state-file.ts'
import { type SyncLoop, startSyncLoop } from './sync-loop.ts'
import { type SyncStatus, trackSync } from './sync-status.ts'

/** All that the WIT agent has of the SPIRE server, kept current. */
export interface Upstream {
  readonly node: SpireNode
  readonly entries: EntryCache
  /** The X.509-SVID that the agent's own endpoints show. */
  readonly serving: LiveValue<HeldSvid>
  readonly publication: BundlePublication
  readonly status: SyncStatus
  readonly loop: SyncLoop
  close(): Promise<void>
}

export interface UpstreamOptions {
  readonly config: WitAgentConfig
  readonly state: AgentState
  readonly store: StateStore
  readonly joinToken: () => Promise<string | undefined>
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/** Begins to attest and to synchronize: node SVID, bundle, entries, serving SVID, in this order, again and again. */
export function startUpstream({ config, state, store, joinToken, runtime, log }: UpstreamOptions): Upstream {
  const { trustDomain, identifier, bundleEndpoint, syncIntervalSeconds } = config
  const options = { timeoutMs: SPIRE_TIMEOUT_MS }
  const node = createSpireNode({ server: { ...config.server, trustDomain }, state, store, joinToken, runtime, log })
  const entries = createEntryCache(log, runtime)
  const tracker = trackSync(runtime)
  const serving = createLiveValue<HeldSvid>({ runtime, endOf: ({ notAfter }) => notAfter, same: (a, b) => a === b })
  let publication = nothingPublished(state.bundleSequence)
  let held: HeldSvid | undefined
  let tainted: readonly Uint8Array[] = []

  /** A tainted root is about to go: what it may have signed is replaced before, while it still counts. */
  const heedTaint = async ({ x509Authorities }: TrustDomainBundle): Promise<void> => {
    const now = x509Authorities.filter((authority) => authority.tainted).map(({ certificate }) => certificate)
    const isNews = now.some((certificate) => !tainted.some((known) => sameOctets(known, certificate)))
    if (isNews) {
      log.event('authority.tainted', { x509: now.length })
      node.renewSoon()
      held = undefined
      await node.ensure()
    }
    tainted = now
  }
  const refreshBundle = async (): Promise<void> => {
    const bundle = await getBundle(node.transport(), options)
    if (bundle.trustDomain.replace('spiffe://', '') !== trustDomain) {
      throw new WimseError('ERR_SPIRE_API_MALFORMED', { detail: 'a bundle of another trust domain' })
    }
    await heedTaint(bundle)
    const next = await publishBundle(bundle, { previous: publication, refreshHintSeconds: bundleEndpoint.refreshHintSeconds, runtime })
    if (next === publication) return
    // Kept before anyone can see it: no later run may publish a lower number.
    await node.remember({ bundleSequence: next.sequence })
    publication = next
    log.event('bundle.changed', { sequence: next.sequence, ...next.counts })
    if (!sameCertificates(node.anchors, next.anchors)) await node.replaceAnchors(next.anchors)
  }
  const refreshServing = async (): Promise<void> => {
    if (isLive(held, runtime) && runtime.now() / 1000 < held.renewAt) return
    const entry = entries.find(identifier)
    if (entry === undefined) throw new WimseError('ERR_WIT_AGENT_NOT_ENTITLED', { detail: 'there is no entry for the agent itself' })
    held = await obtainSvid(runtime, (csr) => issueX509Svid(node.transport(), { entryId: entry.id, csr }, options))
    if (held.identifier !== identifier) throw new WimseError('ERR_SPIRE_API_MALFORMED', { detail: 'an X.509-SVID of another identifier' })
    serving.set(held)
    log.event('serving.renewed', { identifier, entry: entry.id, expiresAt: held.notAfter })
  }
  const loop = startSyncLoop({
    intervalMs: syncIntervalSeconds * 1000,
    runtime,
    async round(): Promise<void> {
      await node.ensure()
      await refreshBundle()
      entries.replace(await getAuthorizedEntries(node.transport(), options))
      await refreshServing()
      if (!tracker.status.synchronized) log.event('sync.succeeded')
      tracker.succeeded()
    },
    onFailure(error, retryInMs): void {
      tracker.failed(error)
      node.doubt()
      log.event('sync.failed', { ...describeFailure(error), retryInMs })
    },
  })
  return {
    node,
    entries,
    serving,
    loop,
    get publication() {
      return publication
    },
    get status() {
      return tracker.status
    },
    async close(): Promise<void> {
      // First the connection, so that a round under way ends now.
      node.close()
      await loop.close()
      serving.close()
    },
  }
}

function sameCertificates(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((certificate) => b.some((other) => sameOctets(certificate, other)))
}
