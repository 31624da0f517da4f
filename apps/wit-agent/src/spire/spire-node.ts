import { formatBase64url, type Runtime, utf8, WimseError } from '@wimse/core'
import { describeFailure, type OperatorLog } from '@wimse/program'
import { attestByJoinToken, openServerPort, renewNode, type SpireServerAddress } from '@wimse/spire-api'
import { formatPem } from '@wimse/x509'
import { formatSvidPem, type HeldSvid, isLive, obtainSvid } from './held-svid.ts'
import type { AgentState, StateStore } from './state-file.ts'

type Transport = ReturnType<typeof openServerPort>

/** This process as a node of SPIRE: its SVID, and the connection that it authenticates with it. */
export interface SpireNode {
  readonly svid: HeldSvid | undefined
  /** X.509 roots in DER that the server is authenticated by. */
  readonly anchors: readonly Uint8Array[]
  /** Attests where there is no live SVID, renews where it is due. */
  ensure(): Promise<void>
  /** The connection. @throws WimseError `ERR_WIT_AGENT_UPSTREAM` before the first attestation and after the SVID's end */
  transport(): Transport
  /** The server has told newer roots. */
  replaceAnchors(anchors: readonly Uint8Array[]): Promise<void>
  /** Makes the next `ensure` renew, whatever the SVID's age. */
  renewSoon(): void
  /** Something went wrong: the server may have forgotten this node. An operator who knows puts a new join token there, which is then used. */
  doubt(): void
  /** Changes what is kept over restarts. */
  remember(change: Partial<AgentState>): Promise<void>
  close(): void
}

export interface SpireNodeOptions {
  readonly server: Pick<SpireServerAddress, 'host' | 'port' | 'trustDomain'>
  /** What was kept, with the roots to begin with. */
  readonly state: AgentState
  readonly store: StateStore
  /** The join token at hand; asked for each attestation. */
  readonly joinToken: () => Promise<string | undefined>
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/** How long one answer of the server may take. */
export const SPIRE_TIMEOUT_MS = 10_000
/** How long calls that are under way may go on over a connection that was replaced. */
const LINGER_MS = 20_000

/** Opens nothing before the first call of `ensure`. */
export function createSpireNode({ server, store, joinToken, runtime, log, ...options }: SpireNodeOptions): SpireNode {
  let state = options.state
  let connection: { readonly transport: Transport; readonly closing: AbortController } | undefined
  let renewalAsked = false
  let doubted = false
  const closed = new AbortController()

  const open = (credential: HeldSvid | undefined): { readonly transport: Transport; readonly closing: AbortController } => {
    const closing = new AbortController()
    const address = {
      ...server,
      trustAnchorsPem: state.anchors.map((certificate) => formatPem('CERTIFICATE', certificate)),
      signal: AbortSignal.any([closing.signal, closed.signal]),
    }
    return { transport: openServerPort(credential ? { ...address, credential: formatSvidPem(credential) } : address), closing }
  }
  const disconnect = (): void => {
    const old = connection
    connection = undefined
    if (old !== undefined) void runtime.delay(LINGER_MS, closed.signal).then(() => old.closing.abort())
  }
  const remember = async (change: Partial<AgentState>): Promise<void> => {
    state = { ...state, ...change }
    await store.save(state)
  }
  const transport = (): Transport => {
    if (!isLive(state.node, runtime)) throw new WimseError('ERR_WIT_AGENT_UPSTREAM', { detail: 'this node has no live SVID' })
    connection ??= open(state.node)
    return connection.transport
  }
  const unusedToken = async (): Promise<{ readonly token: string; readonly digest: string } | undefined> => {
    const token = await joinToken()
    if (token === undefined) return undefined
    const digest = formatBase64url(await runtime.crypto.digest('sha-256', utf8(token)))
    return digest === state.joinTokenDigest ? undefined : { token, digest }
  }
  const attest = async (): Promise<void> => {
    const unused = await unusedToken()
    if (unused === undefined) {
      throw new WimseError('ERR_WIT_AGENT_UPSTREAM', { detail: 'this node has no live SVID, and no join token that was not used yet' })
    }
    const anonymous = open(undefined)
    try {
      const node = await obtainSvid(runtime, (csr) =>
        attestByJoinToken(anonymous.transport, { joinToken: unused.token, csr }, { timeoutMs: SPIRE_TIMEOUT_MS }),
      )
      disconnect()
      await remember({ node, joinTokenDigest: unused.digest })
      log.event('node.attested', { identifier: node.identifier, expiresAt: node.notAfter })
    } finally {
      anonymous.closing.abort()
    }
  }
  const renew = async (): Promise<void> => {
    const node = await obtainSvid(runtime, (csr) => renewNode(transport(), { csr }, { timeoutMs: SPIRE_TIMEOUT_MS }))
    // Kept before it is used: with its first use the server drops the one before.
    await remember({ node })
    renewalAsked = false
    disconnect()
    log.event('node.renewed', { identifier: node.identifier, expiresAt: node.notAfter })
  }

  return {
    get svid() {
      return state.node
    },
    get anchors() {
      return state.anchors
    },
    async ensure(): Promise<void> {
      if (!isLive(state.node, runtime)) return attest()
      if (doubted && (await unusedToken()) !== undefined) {
        doubted = false
        await attest().catch((error: unknown) => log.event('node.attestation-failed', describeFailure(error)))
      }
      if (runtime.now() / 1000 >= state.node.renewAt || renewalAsked) await renew()
    },
    transport,
    async replaceAnchors(anchors): Promise<void> {
      await remember({ anchors })
      disconnect()
    },
    renewSoon(): void {
      renewalAsked = true
    },
    doubt(): void {
      doubted = true
    },
    remember,
    close: () => closed.abort(),
  }
}
