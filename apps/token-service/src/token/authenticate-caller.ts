import { fieldValues, isWimseError, type RequestView, type Runtime } from '@wimse/core'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { type ClientConnection, certificateThumbprint, type ProvenPeer } from '@wimse/token-exchange'
import { WIT_FIELD } from '@wimse/wit'
import type { Authenticator } from '@wimse/workload'

/** A request, and what is proven about who made it before its parameters are read. */
export interface Caller {
  readonly request: RequestView
  readonly peer: ProvenPeer | undefined
  readonly connection: ClientConnection | undefined
}

/** What a caller is found by. */
export interface CallerRules {
  /** Undefined where WPTs and HTTP signatures are no client authentication here. */
  readonly authenticator: Authenticator | undefined
  readonly takesConnections: boolean
  readonly runtime: Runtime
}

/**
 * Finds out what a request proves: the WPT or HTTP signature that it carries, and the peer of its connection. A proof that is there has to hold;
 * one that is missing is no fault, since clients have other ways to authenticate.
 *
 * @throws WimseError what the authenticator refuses with
 */
export async function authenticateCaller(view: RequestView, peer: VerifiedPeer | undefined, rules: CallerRules): Promise<Caller> {
  const { authenticator, takesConnections, runtime } = rules
  const connection =
    peer === undefined || !takesConnections
      ? undefined
      : { identifier: peer.identifier, certificateThumbprint: await certificateThumbprint(peer.certificate.leaf, runtime) }
  if (authenticator === undefined) return { request: view, peer: undefined, connection }
  try {
    const authenticated = await authenticator.authenticate(view)
    return { request: authenticated.request, peer: authenticated.peer, connection }
  } catch (error) {
    const nothing = isWimseError(error, 'ERR_PROOF_MISSING') && fieldValues(view.fields, WIT_FIELD).length === 0
    if (!nothing) throw error
    return { request: view, peer: undefined, connection }
  }
}
