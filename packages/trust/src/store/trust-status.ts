import type { ErrorCode, TrustDomain } from '@wimse/core'
import type { AnchorKind } from '../trust-bundle.ts'
import type { ComposedBundle } from './compose.ts'
import { ANCHOR_KINDS } from './fingerprint.ts'
import type { Holding, SourceRecord } from './source-record.ts'

/** Where one kind of anchors of a trust domain comes from. */
export interface AnchorStatus {
  readonly kind: AnchorKind
  readonly origin: string
  /** How many anchors there are. */
  readonly count: number
  readonly sequence?: number
  /** Seconds since the last contact with the source. */
  readonly ageSeconds: number
  readonly stale: boolean
}

/** The state of one trust domain, for health endpoints and reports. Holds no key. */
export interface TrustDomainStatus {
  readonly trustDomain: TrustDomain
  readonly anchors: readonly AnchorStatus[]
  /** The failure of the last attempt of each source that has failed since its last contact. */
  readonly errors: readonly { readonly origin: string; readonly code: ErrorCode }[]
}

const MEMBERS = { x509: 'x509Authorities', jwt: 'jwtAuthorities', wit: 'witAuthorities' } as const

/** The state of one trust domain. BUNDLE-B.1-02: the sequence tells how far a bundle has spread. */
export function statusOf(
  trustDomain: TrustDomain,
  composed: ComposedBundle | undefined,
  records: readonly SourceRecord[],
  now: number,
): TrustDomainStatus {
  const anchorStatus = (kind: AnchorKind, { contents, record }: Holding): AnchorStatus => ({
    kind,
    origin: record.source.origin,
    count: contents[MEMBERS[kind]]?.length ?? 0,
    ...(contents.sequence === undefined ? {} : { sequence: contents.sequence }),
    ageSeconds: Math.max(0, (now - (record.lastContact ?? now)) / 1000),
    stale: composed?.stale.includes(kind) ?? false,
  })
  return {
    trustDomain,
    anchors: ANCHOR_KINDS.flatMap((kind) => {
      const authority = composed?.authorities[kind]
      return authority === undefined ? [] : [anchorStatus(kind, authority)]
    }),
    errors: records.flatMap(({ source: { origin }, lastError: code }) => (code === undefined ? [] : [{ origin, code }])),
  }
}
