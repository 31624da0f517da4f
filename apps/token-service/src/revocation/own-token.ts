import { isJsonObject, isWimseError, type JsonObject, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedJws, isSignatureAlgorithm } from '@wimse/keys'
import { type AuthenticatedClient, DEFERRED_GRANT_TYPE, type GrantUse } from '@wimse/token-exchange'
import type { SigningKeys } from '../keys/signing-keys.ts'

const TRANSACTION_TOKEN_TYPE = 'txntoken+jwt'

/** A token of this service, whatever its kind. */
export interface OwnToken {
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Whether it was issued to this client. */
  belongsTo(client: AuthenticatedClient): boolean
  /** Which use of a deferred grant it came of, as the token that the worker itself got. */
  readonly use: GrantUse | undefined
}

/**
 * Reads a token that this service signed, live or not. Anything else is `undefined`: tokens of others, of keys that are gone, and what is no token.
 * An access token belongs to its `client_id`, a transaction token to the last of its `req_wl`, a grant to its `client_id` or to the holder of the key that
 * it names, a deferred grant to its requester.
 */
export async function readOwnToken(
  token: string,
  keys: Pick<SigningKeys, 'authorities' | 'grantAuthorities'>,
): Promise<OwnToken | undefined> {
  const jws = decode(token)
  const { alg, kid, typ } = jws?.header ?? {}
  if (jws === undefined || !isSignatureAlgorithm(alg)) return undefined
  const isDeferredGrant = typ === DEFERRED_GRANT_TYPE
  const authority = (isDeferredGrant ? keys.grantAuthorities() : keys.authorities()).find((key) => key.keyId === kid && key.fits(alg))
  const verifier = await authority?.verifier(alg)
  if (verifier === undefined || !(await verifier.verify(jws.signingInput, jws.signature))) return undefined
  const { exp, client_id: named, req_wl: requesters, requested_cnf: key, requester } = jws.payload
  const last: unknown = Array.isArray(requesters) ? requesters.at(-1) : (named ?? requesters)
  const owner = isDeferredGrant ? requester : last
  const holder = typeof key === 'object' && key !== null && 'jkt' in key ? key.jkt : undefined
  const certificate = typeof key === 'object' && key !== null && 'x5t#S256' in key ? key['x5t#S256'] : undefined
  return {
    expiresAt: Number(exp),
    use: typ === TRANSACTION_TOKEN_TYPE ? useOf(jws.payload) : undefined,
    belongsTo: ({ identifier, confirmation }) =>
      owner === undefined ? holds(confirmation, holder, certificate) : owner === (identifier satisfies WorkloadIdentifier),
  }
}

/** A replacement belongs to another workload, and has several requesters; a transaction that was started further on belongs to who started it. */
function useOf({ deferral, req_wl: requester }: JsonObject): GrantUse | undefined {
  if (!isJsonObject(deferral) || typeof requester !== 'string') return undefined
  const { grant, use = '', worker } = deferral
  return worker === requester && typeof grant === 'string' && typeof use === 'string' ? { grant, use } : undefined
}

function holds(confirmation: AuthenticatedClient['confirmation'], holder: unknown, certificate: unknown): boolean {
  if (confirmation === undefined) return false
  return 'jkt' in confirmation ? confirmation.jkt === holder : confirmation['x5t#S256'] === certificate
}

function decode(token: string): ReturnType<typeof decodeUnverifiedJws> | undefined {
  try {
    return decodeUnverifiedJws(token)
  } catch (error) {
    if (isWimseError(error)) return undefined
    throw error
  }
}
