import { type TrustDomain, WimseError } from '@wimse/core'
import type { AnchorKind, TrustBundle } from '../trust-bundle.ts'
import { ANCHOR_KINDS } from './fingerprint.ts'
import type { Holding, SourceRecord } from './source-record.ts'

/** The anchors of one trust domain, composed of what the sources say. */
export interface ComposedBundle {
  readonly bundle: TrustBundle
  /** The one source of each kind. */
  readonly authorities: Readonly<Partial<Record<AnchorKind, Holding>>>
  /** Kinds whose source was out of contact for too long. */
  readonly stale: readonly AnchorKind[]
  /** Milliseconds from which on the composition has to be made again. */
  readonly until: number
  /** Differs from that of another composition exactly where the anchors do. */
  readonly signature: string
}

const MEMBERS = { x509: 'x509Authorities', jwt: 'jwtAuthorities', wit: 'witAuthorities' } as const

/** The first source in order that has a kind. It alone counts: kinds are never merged (FED-4.2-06, TDD-5.4-01, TDD-5.4-03). */
function authorityFor(kind: AnchorKind, holdings: readonly Holding[]): Holding | undefined {
  return holdings.find(({ contents, record }) => record.kinds.includes(kind) && contents[MEMBERS[kind]] !== undefined)
}

/**
 * What may be used of what the sources say: answers that need no authentication by anchors, and those whose authenticating trust domain
 * has X.509 anchors by the word of such answers. Answers that only authenticate one another are left out, so that a federation that is
 * withdrawn takes with it everything that it brought.
 */
export function supportedHoldings(records: readonly SourceRecord[]): ReadonlyMap<TrustDomain, readonly Holding[]> {
  const all = records.flatMap(({ held }) => [...held.values()])
  const supported = new Set(all.filter(({ contents }) => contents.authenticatedBy === undefined))
  const byTrustDomain = (trustDomain: TrustDomain): readonly Holding[] =>
    all.filter((holding) => holding.contents.trustDomain === trustDomain && supported.has(holding))
  for (let grown = true; grown; ) {
    grown = false
    for (const holding of all) {
      const by = holding.contents.authenticatedBy
      if (supported.has(holding) || by === undefined) continue
      const anchors = authorityFor('x509', byTrustDomain(by))?.contents.x509Authorities ?? []
      if (anchors.length === 0) continue
      supported.add(holding)
      grown = true
    }
  }
  return new Map([...new Set(all.map(({ contents }) => contents.trustDomain))].map((name) => [name, byTrustDomain(name)]))
}

/** Composes the anchors of one trust domain; undefined where no source has any kind. Keeps the bundle of before where nothing changed. */
export function compose(
  trustDomain: TrustDomain,
  holdings: readonly Holding[],
  now: number,
  before: ComposedBundle | undefined,
): ComposedBundle | undefined {
  const authorities: Partial<Record<AnchorKind, Holding>> = {}
  const stale: AnchorKind[] = []
  let until = Number.POSITIVE_INFINITY
  for (const kind of ANCHOR_KINDS) {
    const authority = authorityFor(kind, holdings)
    if (authority === undefined) continue
    authorities[kind] = authority
    const staleAt = authority.record.staleAt()
    // An outage doesn't change who is asked: the next source in order does not step in.
    if (now >= staleAt) stale.push(kind)
    else until = Math.min(until, staleAt)
  }
  if (Object.keys(authorities).length === 0) return undefined
  const state = (kind: AnchorKind): readonly unknown[] => [kind, authorities[kind]?.fingerprints[kind] ?? null, stale.includes(kind)]
  const signature = JSON.stringify(ANCHOR_KINDS.map(state))
  const bundle = before?.signature === signature ? before.bundle : bundleOf(trustDomain, authorities, stale, before)
  return { bundle, authorities, stale, until, signature }
}

function bundleOf(
  trustDomain: TrustDomain,
  authorities: Readonly<Partial<Record<AnchorKind, Holding>>>,
  stale: readonly AnchorKind[],
  before: ComposedBundle | undefined,
): TrustBundle {
  const anchors = <K extends AnchorKind>(kind: K): NonNullable<Holding['contents'][(typeof MEMBERS)[K]]> | readonly never[] => {
    if (stale.includes(kind)) return []
    const authority = authorities[kind]
    const old = before?.authorities[kind]
    // The same anchors stay the same objects, with the keys that they have imported.
    const same = old !== undefined && old.fingerprints[kind] === authority?.fingerprints[kind]
    return (same && before !== undefined && !before.stale.includes(kind) ? before.bundle : authority?.contents)?.[MEMBERS[kind]] ?? []
  }
  const bundle: TrustBundle = {
    trustDomain,
    x509Authorities: anchors('x509'),
    jwtAuthorities: anchors('jwt'),
    witAuthorities: anchors('wit'),
  }
  for (const kind of stale) Object.defineProperty(bundle, MEMBERS[kind], { get: throwStale, enumerable: false })
  return Object.freeze(bundle)
}

function throwStale(): never {
  throw new WimseError('ERR_TRUST_STALE')
}
