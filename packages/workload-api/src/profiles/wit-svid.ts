import { isJsonObject, isWimseError, parseStrictJsonObject, type Runtime, utf8, type WorkloadIdentifier } from '@wimse/core'
import { createSigner, decodeUnverifiedJws, isSignatureAlgorithm, type Signer } from '@wimse/keys'
import { createWitCredential, type WitCredential } from '@wimse/wit'
import { malformed } from '../connection/call-errors.ts'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import type { WITSVID, WITSVIDResponse } from '../generated/workload_pb.ts'
import { type Watcher, type WatchOptions, watchStream } from '../stream/watch-stream.ts'
import { firstOfEachHint } from './hints.ts'
import { parseSpiffeId } from './identities.ts'

/** The WIT-SVIDs of this workload, the default one first. */
export interface WitContext {
  readonly svids: readonly [WitCredential, ...WitCredential[]]
}

/** Options of {@link watchWitSvids}. */
export interface WatchWitSvidsOptions extends WatchOptions {
  /** The identity to get WIT-SVIDs for; all of this workload unless told (WLAPI-7.2.1-01). */
  readonly identifier?: WorkloadIdentifier
}

/**
 * Watches the WIT-SVIDs of this workload. A message is dropped as a whole, and what came before it stays, when a mandatory field is
 * empty (WLAPI-7.2.1-04), a token is no compact JWS or of another identity, or its key is no private JWK or not the one that the token
 * binds (WLAPI-7.1-03). The issuer's signature is not verified: that is the recipient's business.
 *
 * Many servers do not serve this profile: they answer `Unimplemented`, which ends the watch for good (WLAPI-7-02).
 * Resolves when the signal aborts or the connection is closed.
 *
 * @throws WimseError `ERR_WORKLOAD_API_UNIMPLEMENTED`, `ERR_WORKLOAD_API_INVALID_ARGUMENT`
 * @see SPIFFE Workload API, section 7.2.1
 */
export function watchWitSvids(api: WorkloadApi, watcher: Watcher<WitContext>, options: WatchWitSvidsOptions = {}): Promise<void> {
  const { identifier } = options
  const request = identifier === undefined ? {} : { spiffeId: identifier }
  return watchStream(
    api,
    {
      open: (signal) => api.client.fetchWITSVID(request, { signal }),
      decode: (message) => decodeWitContext(message, api.runtime, identifier),
    },
    watcher,
    options,
  )
}

async function decodeWitContext({ svids }: WITSVIDResponse, runtime: Runtime, asked: WorkloadIdentifier | undefined): Promise<WitContext> {
  const [first, ...rest] = await Promise.all(firstOfEachHint(svids).map((svid) => decodeWitSvid(svid, runtime)))
  if (first === undefined) throw malformed('no WIT-SVID') // WLAPI-7.2.1-03
  if (asked !== undefined && [first, ...rest].some(({ identifier }) => identifier !== asked)) {
    throw malformed('a WIT-SVID of another identity than the one that was asked for')
  }
  return { svids: [first, ...rest] }
}

async function decodeWitSvid({ spiffeId, witSvid, witSvidKey, hint }: WITSVID, runtime: Runtime): Promise<WitCredential> {
  const identifier = parseSpiffeId(spiffeId)
  try {
    const credential = createWitCredential(witSvid, await signerOf(witSvid, witSvidKey, runtime), hint)
    if (credential.identifier !== identifier) throw malformed('a WIT-SVID has another subject')
    return credential
  } catch (error) {
    if (isWimseError(error, 'ERR_WORKLOAD_API_RESPONSE') || !isWimseError(error)) throw error
    throw malformed(`a WIT-SVID or its key: ${error.code}`, error)
  }
}

/** The private JWK may leave out its algorithm, which `cnf.jwk` then gives. */
function signerOf(token: string, privateKey: string, runtime: Runtime): Promise<Signer> {
  const privateJwk = parseStrictJsonObject(utf8(privateKey))
  const { cnf } = decodeUnverifiedJws(token).payload
  const bound = isJsonObject(cnf) && isJsonObject(cnf['jwk']) ? cnf['jwk']['alg'] : undefined
  const algorithm = privateJwk['alg'] === undefined && isSignatureAlgorithm(bound) ? { algorithm: bound } : {}
  return createSigner(privateJwk, { ...algorithm, runtime })
}
