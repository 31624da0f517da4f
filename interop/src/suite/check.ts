import type { World } from '../world/world.ts'

export type DriverName = 'docker' | 'process' | 'embedded'
export type ScenarioName =
  | 'single-hop'
  | 'cross-trust-domain'
  | 'rotation'
  | 'on-behalf-of-user'
  | 'chain-of-custody'
  | 'delegation'
  | 'identity-chaining'
  | 'no-registration'
  | 'ai-agent'
  | 'async-job'
  | 'async-takeover'
  | 'batch'
  | 'scheduled'
export type CheckKind = 'positive' | 'attack' | 'fault'

/** One thing that has to hold, or that has to fail, in a running world. */
export interface Check {
  /** Unique and lasting, such as `single-hop.wpt.replayed`. */
  readonly id: string
  readonly title: string
  readonly scenario: ScenarioName
  readonly kind: CheckKind
  /** Ids of spec/requirements. */
  readonly requirements: readonly string[]
  /**
   * The world that the check needs; checks that name the same one share it. `main` unless told: two federated trust domains with
   * ES256 keys everywhere.
   */
  readonly world?: WorldName
  /** Checks run in this order within their world; a greater one is for those that leave the world changed. 0 unless told. */
  readonly phase?: number
  /** Runs in its world whatever scenario was asked for. */
  readonly always?: boolean
  /** {@link DEFAULT_CHECK_TIMEOUT_MS} unless told. */
  readonly timeoutMs?: number
  run(context: CheckContext): Promise<Evidence>
}

/**
 * `main` is described above. `shop` has the sample services of apps/shop with both token services and the users' identity provider. The others have
 * keys of another kind, in one trust domain, for the positive checks of `single-hop`.
 */
export type WorldName = 'main' | 'shop' | 'ec-p384' | 'rsa-2048'

export const DEFAULT_CHECK_TIMEOUT_MS = 30_000

export interface CheckContext {
  readonly world: World
  /** A line of progress. */
  log(line: string): void
  /** What the suite itself has printed so far, and what the finished checks have left for the report. */
  own(): readonly { readonly name: string; readonly text: string }[]
}

/**
 * What a check leaves behind for the report. A value is shown as it is: nothing secret may be in it. Tokens are named by their hash, see
 * `tokenName` in evidence.ts.
 */
export type Evidence = Readonly<Record<string, EvidenceValue>>
export type EvidenceValue = string | number | boolean | null | readonly EvidenceValue[] | { readonly [name: string]: EvidenceValue }

/** Thrown by a check that finds that it can't run in this world: it is reported as not run, never as passed. */
export class NotRun extends Error {
  /** How to get it run. */
  readonly how: string

  constructor(reason: string, how: string) {
    super(reason)
    this.name = 'NotRun'
    this.how = how
  }
}

/** Thrown by a check whose expectation does not hold. */
export class CheckFailure extends Error {
  readonly evidence: Evidence

  constructor(message: string, evidence: Evidence = {}) {
    super(message)
    this.name = 'CheckFailure'
    this.evidence = evidence
  }
}
