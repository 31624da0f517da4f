import type { ErrorCode, TrustDomain, WimseError } from '@wimse/core'
import type { AnchorKind, BundleContents } from '../trust-bundle.ts'
import type { TrustSource } from '../trust-source.ts'
import { ANCHOR_KINDS, type Fingerprints, fingerprintsOf } from './fingerprint.ts'
import { markAfter, mayFollow, type SequenceMark } from './sequence.ts'
import type { TrustEvent } from './trust-event.ts'

/** A source, and what a store takes from it. */
export interface SourceEntry {
  readonly source: TrustSource
  /** The kinds of anchors that are taken; all unless told. */
  readonly kinds?: readonly AnchorKind[]
  /** The trust domains that are taken; all unless told. */
  readonly trustDomains?: readonly TrustDomain[]
}

/** What a source says of one trust domain. */
export interface Holding {
  readonly contents: BundleContents
  readonly fingerprints: Fingerprints
  readonly record: SourceRecord
}

/** What is known of one source. */
export interface SourceRecord {
  readonly source: TrustSource
  readonly kinds: readonly AnchorKind[]
  readonly held: ReadonlyMap<TrustDomain, Holding>
  /** Milliseconds of the last contact; undefined before the first. */
  readonly lastContact: number | undefined
  readonly lastError: ErrorCode | undefined
  /** Whether this source may speak for a trust domain, whatever it holds now. */
  serves(trustDomain: TrustDomain): boolean
  /** Milliseconds from which on what the source said is too old; infinite while it is in contact. */
  staleAt(): number
  replace(all: readonly BundleContents[]): void
  confirm(): void
  lost(error: WimseError): void
  /** Forgets what the source said of a trust domain, though not its sequence number: what comes next has to follow it. */
  drop(trustDomain: TrustDomain): void
}

/** What a record needs of its store. */
export interface SourceRecordContext {
  now(): number
  readonly maxAgeSeconds: number
  report(event: TrustEvent): void
}

/** Makes the record of one source. It judges each answer by itself; the store composes the records. */
export function createSourceRecord(entry: SourceEntry, context: SourceRecordContext): SourceRecord {
  const { source } = entry
  const { origin } = source
  const marks = new Map<TrustDomain, SequenceMark>()
  let held = new Map<TrustDomain, Holding>()
  let lastContact: number | undefined
  let lastError: ErrorCode | undefined
  let inContact = true

  const refuse = (trustDomain: TrustDomain, code: ErrorCode): void => {
    lastError = code
    context.report({ type: 'refused', origin, trustDomain, code })
  }
  const contact = (): void => {
    lastContact = context.now()
    lastError = undefined
    inContact = true
    context.report({ type: 'contact', origin })
  }
  const wanted = (trustDomain: TrustDomain): boolean => entry.trustDomains?.includes(trustDomain) ?? true

  const record: SourceRecord = {
    source,
    kinds: entry.kinds ?? ANCHOR_KINDS,
    get held() {
      return held
    },
    get lastContact() {
      return lastContact
    },
    get lastError() {
      return lastError
    },
    serves: (trustDomain) => wanted(trustDomain) && (source.trustDomains?.includes(trustDomain) ?? entry.trustDomains !== undefined),
    staleAt: () => (inContact || lastContact === undefined ? Number.POSITIVE_INFINITY : lastContact + context.maxAgeSeconds * 1000),
    replace(all) {
      contact()
      const next = new Map<TrustDomain, Holding>()
      for (const contents of all) {
        const { trustDomain, sequence } = contents
        // FED-7.3-02: a source that is tied to trust domains speaks for no other.
        if (source.trustDomains?.includes(trustDomain) === false) refuse(trustDomain, 'ERR_TRUST_BUNDLE_TRUST_DOMAIN')
        else if (next.has(trustDomain)) refuse(trustDomain, 'ERR_TRUST_BUNDLE_MALFORMED')
        else if (wanted(trustDomain)) {
          const before = held.get(trustDomain)
          const fingerprints = fingerprintsOf(contents)
          const mark = marks.get(trustDomain)
          if (mayFollow(mark, sequence, fingerprints)) {
            const following = markAfter(mark, sequence, fingerprints)
            if (following !== undefined) marks.set(trustDomain, following)
            next.set(trustDomain, { contents, fingerprints, record })
          } else {
            // TDD-4.2-04: no rollback; what was known stays.
            refuse(trustDomain, 'ERR_TRUST_SEQUENCE')
            if (before !== undefined) next.set(trustDomain, before)
          }
        }
      }
      for (const trustDomain of held.keys()) {
        if (next.has(trustDomain)) continue
        // FED-6.3-01: a relationship that has ended leaves nothing behind.
        marks.delete(trustDomain)
        context.report({ type: 'withdrawn', origin, trustDomain })
      }
      held = next
    },
    confirm: contact,
    lost(error) {
      inContact = false
      lastError = error.code
      context.report({ type: 'lost', origin, code: error.code })
    },
    drop(trustDomain) {
      if (held.delete(trustDomain)) context.report({ type: 'withdrawn', origin, trustDomain, code: 'ERR_X509_NO_ANCHORS' })
    },
  }
  return record
}
