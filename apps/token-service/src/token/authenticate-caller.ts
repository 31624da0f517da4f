import { X509Certificate } from 'node:crypto'
import { fieldValues, isWimseError, type RequestView, type Runtime, WimseError } from '@wimse/core'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { type ClientConnection, certificateThumbprint, type ProvenPeer } from '@wimse/token-exchange'
import { WIT_FIELD } from '@wimse/wit'
import type { AuthenticatedRequest, Authenticator } from '@wimse/workload'

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
 * one that is missing is no fault, since clients have other ways to authenticate. A certificate that has ended since the handshake counts no
 * more, and says so where nothing else in the request is a proof.
 *
 * @throws WimseError what the authenticator refuses with, `ERR_X509_EXPIRED`
 */
export async function authenticateCaller(view: RequestView, peer: VerifiedPeer | undefined, rules: CallerRules): Promise<Caller> {
  const { authenticator, takesConnections, runtime } = rules
  const authenticated = authenticator && (await proofOf(view, authenticator))
  if (authenticated !== undefined) return { request: authenticated.request, peer: authenticated.peer, connection: undefined }
  if (peer === undefined || !takesConnections) return { request: view, peer: undefined, connection: undefined }
  const { leaf, pathNotAfter } = peer.certificate
  if (runtime.now() / 1000 >= pathNotAfter) throw new WimseError('ERR_X509_EXPIRED')
  const connection = {
    identifier: peer.identifier,
    certificateThumbprint: await certificateThumbprint(leaf, runtime),
    publicJwk: () => new X509Certificate(leaf).publicKey.export({ format: 'jwk' }),
  }
  return { request: view, peer: undefined, connection }
}

/** Fields of which the authenticator judges at least one. */
const PROOF_FIELDS: ReadonlySet<string> = new Set([WIT_FIELD, 'authorization', 'signature', 'signature-input'])

async function proofOf(view: RequestView, authenticator: Authenticator): Promise<AuthenticatedRequest | undefined> {
  // What the authenticator would say as well, by an error, which costs more than all that this service reads of such a request.
  if (!view.fields.some(([name]) => PROOF_FIELDS.has(name.toLowerCase()))) return undefined
  try {
    return await authenticator.authenticate(view)
  } catch (error) {
    const nothing = isWimseError(error, 'ERR_PROOF_MISSING') && fieldValues(view.fields, WIT_FIELD).length === 0
    if (nothing) return undefined
    throw error
  }
}
