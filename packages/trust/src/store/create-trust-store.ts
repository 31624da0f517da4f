import { parseTrustDomain, type Runtime, type TrustDomain, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import type { AnchorKind } from '../trust-bundle.ts'
import type { AnchorView, TrustSource } from '../trust-source.ts'
import type { TrustStore } from '../trust-store.ts'
import { type ComposedBundle, compose, supportedHoldings } from './compose.ts'
import { createRefreshGate } from './refresh-gate.ts'
import { createSourceRecord, type SourceRecord } from './source-record.ts'
import type { TrustEvent, TrustEventListener } from './trust-event.ts'
import { statusOf, type TrustDomainStatus } from './trust-status.ts'

/** A source, and what is taken from it: all that it says unless told. */
export interface TrustSourceSelection {
  readonly source: TrustSource
  readonly kinds?: readonly AnchorKind[]
  readonly trustDomains?: readonly string[]
}

/** Options of {@link createTrustStore}. */
export interface TrustStoreOptions {
  /** In order of precedence. */
  readonly sources: readonly (TrustSource | TrustSourceSelection)[]
  /** How long what a source said is used after the last contact with it; {@link DEFAULT_TRUST_MAX_AGE_SECONDS} unless told. */
  readonly maxAgeSeconds?: number
  /** Between two refreshes of a trust domain; {@link DEFAULT_REFRESH_COOLDOWN_SECONDS} unless told. */
  readonly refreshCooldownSeconds?: number
  readonly runtime?: Runtime
  readonly onEvent?: TrustEventListener
}

/** A trust store that follows its sources. */
export interface ManagedTrustStore extends TrustStore {
  /**
   * Starts the sources; returns when the first attempt of each has ended, well or not: `status` tells. Once.
   *
   * @throws WimseError of a source that is not configured correctly
   */
  start(): Promise<void>
  /** Stops the sources. A closed store trusts nothing, since nothing keeps it current. */
  close(): void
  /** Every trust domain that is known or configured. */
  status(): readonly TrustDomainStatus[]
  /** Calls the listener after each change of a trust domain's anchors; gives what removes it. */
  onChange(listener: (trustDomain: TrustDomain) => void): () => void
}

export const DEFAULT_TRUST_MAX_AGE_SECONDS = 3600
export const DEFAULT_REFRESH_COOLDOWN_SECONDS = 10

/**
 * Makes a trust store of sources. For each trust domain and each kind of anchors one source counts alone: the first in order that has
 * that kind. What a source says replaces all that it said before, at once: removed keys and withdrawn trust domains are gone. Not taken,
 * with the old left in place and an event: a lower sequence number, the same number with other anchors, a trust domain that the source
 * isn't for. Answers that X.509 anchors of a trust domain authenticated vanish with these anchors. Sources that are lost leave what
 * they said until `maxAgeSeconds` have gone by since the last contact; from then on it is refused as stale, and no source behind
 * steps in.
 *
 * Not checked: whether a trust domain ought to be trusted. Whoever configures a source decides that (TDD-6.1-02).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_TRUST_DOMAIN_MALFORMED`, `ERR_TRUST_DOMAIN_IP`
 * @see SPIFFE Federation, sections 4.2 and 6; draft-carter-wimse-trust-domain-discovery, sections 4.2 and 5.4
 */
export function createTrustStore(options: TrustStoreOptions): ManagedTrustStore {
  const { maxAgeSeconds = DEFAULT_TRUST_MAX_AGE_SECONDS, refreshCooldownSeconds = DEFAULT_REFRESH_COOLDOWN_SECONDS } = options
  if (!(maxAgeSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'maxAgeSeconds' })
  if (!(refreshCooldownSeconds >= 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'refreshCooldownSeconds' })
  const runtime = options.runtime ?? defaultRuntime()
  const now = (): number => runtime.now()
  const report = (event: TrustEvent): void => guarded(() => options.onEvent?.(event))
  const records = options.sources.map((source) => {
    const { trustDomains, ...selection } = 'source' in source ? source : { source }
    return createSourceRecord(
      { ...selection, ...(trustDomains === undefined ? {} : { trustDomains: trustDomains.map((name) => parseTrustDomain(name)) }) },
      { now, maxAgeSeconds, report },
    )
  })
  const gate = createRefreshGate<TrustDomain>(refreshCooldownSeconds, now)
  const running = new Set<TrustSource>()
  const listeners = new Set<(trustDomain: TrustDomain) => void>()
  let known: ReadonlyMap<TrustDomain, ComposedBundle> = new Map()
  let state: 'new' | 'started' | 'closed' = 'new'

  const isClosed = (): boolean => state === 'closed'
  const anchors: AnchorView = { x509Authorities: (trustDomain) => usableRoots(current(trustDomain)) }

  /** The composition of a trust domain as of this moment. */
  function current(trustDomain: TrustDomain): ComposedBundle | undefined {
    const composed = known.get(trustDomain)
    if (composed !== undefined && now() >= composed.until) {
      recompose()
      return known.get(trustDomain)
    }
    return composed
  }

  function recompose(): void {
    const supported = supportedHoldings(records)
    for (const record of records) {
      for (const [trustDomain, holding] of record.held) if (!supported.get(trustDomain)?.includes(holding)) record.drop(trustDomain)
    }
    const before = known
    const next = new Map<TrustDomain, ComposedBundle>()
    for (const [trustDomain, holdings] of supported) {
      const composed = compose(trustDomain, holdings, now(), before.get(trustDomain))
      if (composed !== undefined) next.set(trustDomain, composed)
    }
    known = next
    for (const trustDomain of new Set([...before.keys(), ...next.keys()])) {
      if (before.get(trustDomain)?.bundle === next.get(trustDomain)?.bundle) continue
      report({ type: 'changed', trustDomain })
      for (const listener of [...listeners]) guarded(() => listener(trustDomain))
      const roots = usableRoots(next.get(trustDomain))
      if (roots.length > 0 && roots !== usableRoots(before.get(trustDomain))) askAuthenticatedBy(trustDomain)
    }
  }

  /**
   * A source whose server can be authenticated only now need not wait for its next turn; and where a root was replaced, what came from
   * a server under the old one must not wait to be confirmed under the new.
   */
  function askAuthenticatedBy(trustDomain: TrustDomain): void {
    const speaker = known.get(trustDomain)?.authorities.x509?.record.source
    for (const { source } of records) {
      // A source that brings new anchors of its own at each answer must not set itself off.
      if (source.authenticatedBy !== trustDomain || source === speaker || !running.has(source)) continue
      for (const served of source.trustDomains ?? [trustDomain]) source.refresh?.(served).catch(() => undefined)
    }
  }

  function startSource(record: SourceRecord): Promise<void> {
    const step =
      <A extends readonly unknown[]>(apply: (...args: A) => void) =>
      (...args: A): void => {
        if (isClosed()) return
        apply(...args)
        recompose()
      }
    running.add(record.source)
    return record.source.start({ replace: step(record.replace), confirm: step(record.confirm), lost: step(record.lost) }, anchors)
  }

  return {
    bundle(trustDomain) {
      const composed = current(trustDomain)
      if (composed === undefined) throw new WimseError('ERR_TRUST_DOMAIN_UNKNOWN')
      if (composed.stale.length === Object.keys(composed.authorities).length) throw new WimseError('ERR_TRUST_STALE')
      return composed.bundle
    },

    async refresh(trustDomain) {
      const asked = records.filter((record) => record.held.has(trustDomain) || record.serves(trustDomain))
      if (asked.length === 0 || state !== 'started') return false
      const changed = await gate.run(trustDomain, async () => {
        const before = current(trustDomain)?.bundle
        await Promise.allSettled(asked.map(async ({ source }) => running.has(source) && source.refresh?.(trustDomain)))
        return current(trustDomain)?.bundle !== before
      })
      return changed ?? false
    },

    async start() {
      if (state !== 'new') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a trust store is started once' })
      state = 'started'
      const [independent, dependent] = [false, true].map((wanted) =>
        records.filter(({ source }) => (source.authenticatedBy !== undefined) === wanted),
      )
      const first = await Promise.allSettled((independent ?? []).map(startSource))
      const second = await Promise.allSettled((isClosed() ? [] : (dependent ?? [])).map(startSource))
      for (const outcome of [...first, ...second]) if (outcome.status === 'rejected') throw outcome.reason
    },

    close() {
      state = 'closed'
      running.clear()
      known = new Map()
      listeners.clear()
      for (const { source } of records) source.close()
    },

    status() {
      const names = new Set([...known.keys(), ...records.flatMap(({ source }) => source.trustDomains ?? [])])
      return [...names].map((trustDomain) => {
        const concerned = records.filter((record) => record.held.has(trustDomain) || record.serves(trustDomain))
        return statusOf(trustDomain, current(trustDomain), concerned, now())
      })
    },

    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function usableRoots(composed: ComposedBundle | undefined): readonly Uint8Array[] {
  return composed === undefined || composed.stale.includes('x509') ? [] : composed.bundle.x509Authorities
}

function guarded(call: () => void): void {
  try {
    call()
  } catch {
    // A listener's fault must not stop a trust store.
  }
}
