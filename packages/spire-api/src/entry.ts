import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { translateErrors } from './errors.ts'
import { Entry as EntryService } from './generated/spire/api/server/entry/v1/entry_pb.ts'
import type { Entry } from './generated/spire/api/types/entry_pb.ts'
import { formatSpiffeId } from './identifier.ts'

export interface Selector {
  readonly type: string
  readonly value: string
}

/** A registration entry: who may have which identity, and for how long. */
export interface RegistrationEntry {
  readonly id: string
  readonly spiffeId: string
  readonly parentId: string
  readonly selectors: readonly Selector[]
  /** 0: the server's default. */
  readonly x509SvidTtlSeconds: number
  /** 0: the server's default. */
  readonly jwtSvidTtlSeconds: number
  readonly federatesWith: readonly string[]
  readonly dnsNames: readonly string[]
  readonly hint: string
  /** Seconds since the epoch; 0: never. */
  readonly expiresAt: number
}

/**
 * The entries that the calling node may issue for. A node that has just attested may get none for as long as the
 * server's cache takes to notice it (5 s by default).
 *
 * @param transport {@link openServerPort} with a node's SVID.
 * @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_MALFORMED
 */
export async function getAuthorizedEntries(transport: Transport, options?: CallOptions): Promise<readonly RegistrationEntry[]> {
  return translateErrors(async () => {
    const { entries } = await createClient(EntryService, transport).getAuthorizedEntries({}, options)
    return entries.map(readEntry)
  })
}

export function readEntry(entry: Entry): RegistrationEntry {
  return {
    id: entry.id,
    spiffeId: formatSpiffeId(entry.spiffeId),
    parentId: formatSpiffeId(entry.parentId),
    selectors: entry.selectors.map(({ type, value }) => ({ type, value })),
    x509SvidTtlSeconds: entry.x509SvidTtl,
    jwtSvidTtlSeconds: entry.jwtSvidTtl,
    federatesWith: entry.federatesWith,
    dnsNames: entry.dnsNames,
    hint: entry.hint,
    expiresAt: Number(entry.expiresAt),
  }
}
