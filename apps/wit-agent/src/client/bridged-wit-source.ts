import { isWimseError, parseWorkloadIdentifier, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { defaultRuntime, generateSigner, isSignatureAlgorithm, type SignatureAlgorithm, SVID_ALGORITHMS } from '@wimse/keys'
import type { TrustStore } from '@wimse/trust'
import { createWitCredential, type WitCredential } from '@wimse/wit'
import { type CredentialSource, createBackoff, createLiveValue, type X509Credential } from '@wimse/workload-api'
import { requestWit, type WitAgentPeer } from './request-wit.ts'

/** Options of {@link createBridgedWitSource}. */
export interface BridgedWitSourceOptions {
  /** The X.509-SVID that this workload authenticates with; its identifier is that of the WITs. */
  readonly x509Source: Pick<CredentialSource<X509Credential>, 'current' | 'ready'>
  /** The WIT agent, `https://host:port`. */
  readonly endpoint: string | URL
  /** Who the WIT agent has to be. */
  readonly agentIdentifier: string
  /** Has the X.509 roots of the agent's trust domain, such as a store over the Workload API. */
  readonly trust: TrustStore
  /** What the WIT's key signs with; `ES256` unless told. */
  readonly algorithm?: SignatureAlgorithm
  /** Asks for the entry with this hint. */
  readonly hint?: string
  readonly timeoutMs?: number
  readonly runtime?: Runtime
  /** For the operator's log: what went wrong, and when it is tried again. Holds no secret. */
  readonly onFailure?: (failure: { readonly error: WimseError; readonly retryInMs: number }) => void
}

export const DEFAULT_BRIDGED_TIMEOUT_MS = 10_000
/** An agent takes up to twice five seconds to hear of a new entry: no longer than that is waited. */
const MAX_RETRY_MS = 10_000
/** Renewals are no closer than this, however short the WITs live. */
const MIN_RENEWAL_MS = 1000

/** Holds the WIT-SVID of this workload with its private key, as the `WitSource` of `@wimse/workload-api` does. */
export type BridgedWitSource = CredentialSource<WitCredential>

/**
 * A source of WIT-SVIDs for workloads whose SPIRE agent serves none: it gets them from a WIT agent. Each WIT has a new key, which never
 * leaves this process. The next one is asked for at half of a WIT's life, ten per cent earlier or later; when none is to be had, the
 * last one serves until its end and no longer. When the agent says that there is no entry any more, it is withdrawn at once.
 *
 * It begins at once; await `ready` before the first use.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for an endpoint that is not https or an algorithm that a WIT-SVID may not name
 */
export function createBridgedWitSource(options: BridgedWitSourceOptions): BridgedWitSource {
  const { x509Source, algorithm = 'ES256', hint, runtime = defaultRuntime(), onFailure } = options
  const peer = peerOf(options)
  // WSVID-3.2-04
  if (!isSignatureAlgorithm(algorithm) || !SVID_ALGORITHMS.includes(algorithm)) throw invalid('algorithm')
  const {
    set,
    withdraw,
    closed,
    fail: _fail,
    ...source
  } = createLiveValue<WitCredential>({
    runtime,
    endOf: ({ expiresAt }) => expiresAt,
    same: (a, b) => a.token === b.token,
  })
  const backoff = createBackoff(runtime, { maxDelayMs: MAX_RETRY_MS })

  const obtain = async (): Promise<WitCredential> => {
    await x509Source.ready({ signal: closed })
    const credential = x509Source.current()
    const { signer } = await generateSigner(algorithm, runtime)
    const answer = await requestWit(peer, { credential, signer, hint, runtime })
    const wit = createWitCredential(answer.token, signer, answer.hint)
    if (wit.identifier !== credential.identifier) throw new WimseError('ERR_WORKLOAD_API_RESPONSE', { detail: 'another identifier' })
    if (wit.expiresAt * 1000 <= runtime.now()) throw new WimseError('ERR_WORKLOAD_API_RESPONSE', { detail: 'expired already' })
    return wit
  }
  const step = async (): Promise<number> => {
    try {
      const wit = await obtain()
      if (closed.aborted) return 0
      backoff.reset()
      set(wit)
      return Math.max(MIN_RENEWAL_MS, (wit.expiresAt * 1000 - runtime.now()) * (0.4 + 0.2 * fraction(runtime)))
    } catch (cause) {
      if (closed.aborted) return 0
      const error = isWimseError(cause) ? cause : new WimseError('ERR_MTLS_CONNECTION', { cause })
      if (error.code === 'ERR_WIT_AGENT_NOT_ENTITLED') withdraw(error)
      const retryInMs = backoff.next()
      onFailure?.({ error, retryInMs })
      return retryInMs
    }
  }
  const run = async (): Promise<void> => {
    while (!closed.aborted) {
      const waitMs = await step()
      if (!closed.aborted) await runtime.delay(waitMs, closed)
    }
  }
  void run()
  return source
}

function peerOf({ endpoint, agentIdentifier, trust, timeoutMs = DEFAULT_BRIDGED_TIMEOUT_MS }: BridgedWitSourceOptions): WitAgentPeer {
  if (!URL.canParse(endpoint)) throw invalid('endpoint')
  const url = new URL(endpoint)
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') throw invalid('endpoint')
  const identifier: WorkloadIdentifier = parseWorkloadIdentifier(agentIdentifier)
  return { endpoint: url, identifier, trust, timeoutMs }
}

function fraction(runtime: Pick<Runtime, 'randomBytes'>): number {
  return (runtime.randomBytes(1)[0] ?? 0) / 256
}

function invalid(detail: string): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail })
}
