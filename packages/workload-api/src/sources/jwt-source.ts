import { WimseError, type WorkloadIdentifier } from '@wimse/core'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import { fetchJwtSvid, type JwtSvidCredential } from '../profiles/jwt-svid.ts'

/** Gives JWT-SVIDs of this workload, one for each audience. */
export interface JwtSource {
  /**
   * A token for the audience: the one at hand until half of its life is gone, then a new one. When no new one is to be had, the old
   * one serves until its end.
   *
   * @throws WimseError as `fetchJwtSvid`; `ERR_CREDENTIAL_UNAVAILABLE` after `close`
   */
  fetch(audience: string): Promise<JwtSvidCredential>
  /** Forgets all tokens. */
  close(): void
}

/** Options of {@link createJwtSource}. */
export interface JwtSourceOptions {
  readonly api: WorkloadApi
  /** The identity to get tokens for; the default one of this workload unless told. */
  readonly identifier?: WorkloadIdentifier
  /** Audiences whose tokens are kept; {@link DEFAULT_MAX_AUDIENCES} unless told. The one that was fetched longest ago goes first. */
  readonly maxAudiences?: number
}

export const DEFAULT_MAX_AUDIENCES = 256

interface Entry {
  readonly credential: JwtSvidCredential
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/** A source of this workload's JWT-SVIDs. Calls for one audience at the same time share one request. */
export function createJwtSource({ api, identifier, maxAudiences = DEFAULT_MAX_AUDIENCES }: JwtSourceOptions): JwtSource {
  const entries = new Map<string, Entry>()
  const pending = new Map<string, Promise<JwtSvidCredential>>()
  const closing = new AbortController()
  const seconds = (): number => api.runtime.now() / 1000

  const renew = async (audience: string): Promise<JwtSvidCredential> => {
    const request = { audience, signal: closing.signal, ...(identifier !== undefined && { identifier }) }
    const credential = await fetchJwtSvid(api, request)
    if (closing.signal.aborted) throw closed()
    entries.delete(audience)
    const oldest = entries.size < maxAudiences ? undefined : entries.keys().next().value
    if (oldest !== undefined) entries.delete(oldest)
    entries.set(audience, { credential, renewAt: (seconds() + credential.expiresAt) / 2 })
    return credential
  }
  return {
    async fetch(audience): Promise<JwtSvidCredential> {
      if (closing.signal.aborted) throw closed()
      const entry = entries.get(audience)
      if (entry !== undefined && seconds() < entry.renewAt) return entry.credential
      const running = pending.get(audience) ?? renew(audience).finally(() => pending.delete(audience))
      pending.set(audience, running)
      try {
        return await running
      } catch (error) {
        const revoked = error instanceof WimseError && error.code === 'ERR_WORKLOAD_API_NO_IDENTITY'
        if (revoked) entries.delete(audience)
        else if (entry !== undefined && seconds() < entry.credential.expiresAt && !closing.signal.aborted) return entry.credential
        throw error
      }
    },
    close(): void {
      closing.abort()
      entries.clear()
    },
  }
}

function closed(): WimseError {
  return new WimseError('ERR_CREDENTIAL_UNAVAILABLE', { detail: 'the source is closed' })
}
