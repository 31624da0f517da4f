import {
  isWimseError,
  type RequestView,
  type ResponseView,
  type Runtime,
  responseViewOfResponse,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { describeFailure, type OperatorLog } from '@wimse/program'
import {
  type AuthenticatedClient,
  type ClientAuthenticator,
  type GrantUseStore,
  oauthErrorOf,
  oauthErrorResponse,
  parseRevocationRequest,
} from '@wimse/token-exchange'
import type { SigningKeys } from '../keys/signing-keys.ts'
import { authenticateCaller, type CallerRules } from '../token/authenticate-caller.ts'
import { type OwnToken, readOwnToken } from './own-token.ts'
import { keyOf, MAX_CLOCK_SKEW_SECONDS, type Revocation, type RevocationStore, signedPart } from './revocation.ts'

/** What the revocation endpoint is made of. */
export interface RevocationEndpointOptions {
  readonly store: RevocationStore
  readonly grantUses: GrantUseStore
  readonly keys: Pick<SigningKeys, 'authorities' | 'grantAuthorities'>
  readonly caller: CallerRules
  readonly clients: ClientAuthenticator
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/** Answers one request. Never rejects. */
export type RevocationEndpoint = (view: RequestView, peer: () => Promise<VerifiedPeer | undefined>) => Promise<ResponseView>

/**
 * Makes the revocation endpoint of RFC 7009, where a client gives up what was issued to it. In order: proof and connection as at the token endpoint; the
 * form; the client, which authenticates as there (section 2.1); then the token. One of another client is refused, and one that isn't ours or has ended is
 * answered as if it had been revoked (section 2.2). `token_type_hint` isn't needed to find it.
 *
 * A worker that gives up the token of a deferred grant has finished that use of it, also when the token has ended: nobody gets the use again. One that
 * is stopped finishes nothing, since its word that the work was done is worth nothing.
 *
 * Only that token is stopped, not others of the same transaction or grant. One event each: `revocation.recorded`, `revocation.unknown` or
 * `revocation.refused`, with hashes alone.
 */
export function createRevocationEndpoint(options: RevocationEndpointOptions): RevocationEndpoint {
  const { store, grantUses, keys, caller, clients, runtime, log } = options
  return async (view, peer) => {
    let client: AuthenticatedClient | undefined
    let proven: WorkloadIdentifier | undefined
    try {
      const { request, ...found } = await authenticateCaller(view, await peer(), caller)
      proven = (found.peer ?? found.connection)?.identifier
      const parameters = await parseRevocationRequest(request)
      client = await clients.authenticate({
        fields: view.fields,
        parameters: parameters.client,
        ...(found.peer !== undefined && { peer: found.peer }),
        ...(found.connection !== undefined && { connection: found.connection }),
      })
      const own = await ownToken(parameters.token, client, keys)
      if (own?.use !== undefined) await refuseStopped(client, store, runtime)
      // The use before the token: what fails in between is done again by whoever asks again.
      const finished = own?.use !== undefined && (await grantUses.finish(own.use))
      const revocation = own && (await revocationOf(parameters.token, own, runtime))
      if (revocation !== undefined) await store.record(revocation, runtime.now() / 1000, 'client')
      const event = revocation === undefined && !finished ? 'revocation.unknown' : 'revocation.recorded'
      log.event(event, { ...revocation, ...(finished && { use: 'finished', grantHash: own?.use?.grant }), client: client.identifier })
      return { kind: 'response', status: 200, fields: [['cache-control', 'no-store']], body: null }
    } catch (error) {
      const failure = isWimseError(error) ? error : 'ERR_OPTIONS_INVALID'
      const code = typeof failure === 'string' ? failure : failure.code
      log.event('revocation.refused', {
        ...describeFailure(error),
        error: oauthErrorOf(code).error,
        client: client?.identifier ?? proven,
      })
      return responseViewOfResponse(oauthErrorResponse(failure, { takesWpt: caller.authenticator !== undefined }))
    }
  }
}

async function refuseStopped({ identifier }: AuthenticatedClient, store: RevocationStore, runtime: Runtime): Promise<void> {
  const found = await store.find([await keyOf({ kind: 'workload', value: identifier }, runtime)], runtime.now() / 1000)
  if (found !== undefined) throw new WimseError('ERR_EXCHANGE_CLIENT_REVOKED')
}

async function ownToken(
  token: string,
  client: AuthenticatedClient,
  keys: RevocationEndpointOptions['keys'],
): Promise<OwnToken | undefined> {
  const own = await readOwnToken(token, keys)
  // RFC 7009 section 2.1: nobody gives up what is another's.
  if (own?.belongsTo(client) === false) throw new WimseError('ERR_EXCHANGE_TOKEN_OWNER')
  return own
}

async function revocationOf(token: string, { expiresAt }: OwnToken, runtime: Runtime): Promise<Revocation | undefined> {
  const until = expiresAt + MAX_CLOCK_SKEW_SECONDS
  return until <= runtime.now() / 1000 ? undefined : { ...(await keyOf({ kind: 'token', value: signedPart(token) }, runtime)), until }
}
