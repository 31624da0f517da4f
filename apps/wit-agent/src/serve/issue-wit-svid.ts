import { isJsonObject, isWimseError, type Runtime, WimseError } from '@wimse/core'
import { decodeUnverifiedJws, jwkThumbprint, parsePublicJwk } from '@wimse/keys'
import { type IssuedWitSvid, issueWitSvid, type RegistrationEntry } from '@wimse/spire-api'
import { spkiOfJwk } from '@wimse/x509'
import type { ProvenKey } from '../request/process-wit-request.ts'
import type { WitAnswer } from '../request/wit-request.ts'
import type { Upstream } from '../spire/upstream.ts'

/** What came of a request. */
export interface IssuedWit {
  readonly answer: WitAnswer
  readonly entry: RegistrationEntry
}

/** How long SPIRE may take to sign. */
const ISSUE_TIMEOUT_MS = 5000

/**
 * Has SPIRE issue the WIT-SVID of the workload that has proven the key, for the entry's lifetime, and checks that it got what it asked
 * for: this identifier and this key. Which entry, see `EntryCache.find`.
 *
 * @throws WimseError `ERR_WIT_AGENT_NOT_ENTITLED` without an entry, `ERR_WIT_AGENT_ALGORITHM` where SPIRE doesn't take the key,
 *   `ERR_WIT_AGENT_UPSTREAM` where it can't be reached or its answer can't be used
 */
export async function issueProvenWit(
  proven: ProvenKey,
  { entries, node, loop }: Pick<Upstream, 'entries' | 'node' | 'loop'>,
  runtime: Runtime,
): Promise<IssuedWit> {
  const { identifier, publicJwk, hint } = proven
  const entry = entries.find(identifier, hint)
  if (entry === undefined) throw new WimseError('ERR_WIT_AGENT_NOT_ENTITLED')
  try {
    const request = { entryId: entry.id, publicKey: spkiOfJwk(publicJwk), algorithm: publicJwk.alg }
    const issued = await issueWitSvid(node.transport(), request, { timeoutMs: ISSUE_TIMEOUT_MS })
    await checkIssued(issued, proven, runtime)
    const answer = { spiffe_id: identifier, wit_svid: issued.token, expires_at: issued.expiresAt }
    return { answer: entry.hint === '' ? answer : { ...answer, hint: entry.hint }, entry }
  } catch (error) {
    if (isWimseError(error, 'ERR_SPIRE_API_ARGUMENT')) throw new WimseError('ERR_WIT_AGENT_ALGORITHM', { detail: error.code, cause: error })
    if (!isWimseError(error) || error.code.startsWith('ERR_WIT_AGENT_')) throw error
    if (isWimseError(error, 'ERR_SPIRE_API_REFUSED')) {
      // Perhaps the entry has gone since the last synchronization: then this is no fault of the server.
      await loop.now()
      if (entries.find(identifier, hint)?.id !== entry.id) throw new WimseError('ERR_WIT_AGENT_NOT_ENTITLED', { cause: error })
    }
    throw new WimseError('ERR_WIT_AGENT_UPSTREAM', { detail: error.code, cause: error })
  }
}

async function checkIssued({ token, spiffeId, expiresAt }: IssuedWitSvid, proven: ProvenKey, runtime: Runtime): Promise<void> {
  const { payload } = decodeUnverifiedJws(token)
  const { sub, exp, cnf } = payload
  const key = isJsonObject(cnf) ? cnf['jwk'] : undefined
  const thumbprint = await jwkThumbprint(parsePublicJwk(key), runtime)
  if (spiffeId !== proven.identifier || sub !== proven.identifier || exp !== expiresAt || thumbprint !== proven.thumbprint) {
    throw new WimseError('ERR_SPIRE_API_MALFORMED', { detail: 'a WIT-SVID is not what was asked for' })
  }
}
