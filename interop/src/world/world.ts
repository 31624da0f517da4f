import type { DriverName, WorldName } from '../suite/check.ts'
import type { CallResult, CallSpec, LentWit, PeerStatus, StreamReport, StreamSpec } from './control-protocol.ts'

/** The workloads of the sample world. `rogue` is registered in the shop and allowed nowhere; `stranger` has no entry at all. */
export type WorkloadName = 'orders' | 'payments' | 'rogue' | 'ledger' | 'stranger'

export type TrustDomainName = 'shop.example' | 'bank.example'

/** A running world of one driver. */
export interface World {
  readonly driver: DriverName
  readonly name: WorldName
  /** What the report says of it: SPIRE's version and mode, images, engine. */
  readonly environment: WorldEnvironment
  readonly trustDomains: Readonly<Record<TrustDomainName, TrustDomainControl>>
  workload(name: WorkloadName): ControlledWorkload
  /** Everything that the world's processes have printed, for the check that reads it. */
  logs(): Promise<readonly { readonly name: string; readonly text: string }[]>
  /** Directories and files that the world has written for its workloads and reports; SPIRE's own key store is not among them. */
  stored(): Promise<readonly { readonly name: string; readonly text: string }[]>
  stop(): Promise<void>
}

export interface WorldEnvironment {
  readonly spire: { readonly version: string; readonly mode: 'native' | 'bridged' | 'embedded'; readonly how: string }
  readonly containerEngine: string | null
  readonly images: readonly string[]
  readonly runtime: string
}

/** A workload of the world, driven over its control port. */
export interface ControlledWorkload {
  readonly name: WorkloadName
  /** `https://…` by which callers reach it; absent for those that serve nothing. */
  readonly url?: string
  call(spec: CallSpec): Promise<CallResult>
  status(): Promise<PeerStatus>
  /** Its current WIT, as somebody who sees its traffic has it. In memory only. */
  lendWit(): Promise<LentWit>
  startStream(spec: StreamSpec): Promise<void>
  stopStream(): Promise<StreamReport>
}

/** What the suite can do to a trust domain. */
export interface TrustDomainControl {
  readonly name: TrustDomainName
  /** Rotates an authority of the domain, planned, so that nobody who follows the bundle fails. */
  rotate(kind: 'x509' | 'jwt' | 'wit'): Promise<{ readonly manner: string }>
  /** Ends this domain's trust in the other one, and restores it. */
  withdrawFederation(): Promise<void>
  restoreFederation(): Promise<void>
  /**
   * The issuing keys as somebody who broke into the issuer has them, for the attacks of a malicious issuer. In memory only.
   * Undefined where the driver can't get at them.
   */
  stolenAuthority(): Promise<StolenAuthority | undefined>
  /** Stops and starts the issuer (SPIRE's server), for faults. */
  stopIssuer(): Promise<void>
  startIssuer(): Promise<void>
  /** What the WIT agent says of itself; undefined where there is none (native mode, embedded). */
  witAgentHealth(): Promise<WitAgentHealth | undefined>
}

/** `degraded`: what is live is served, new WITs are not. */
export interface WitAgentHealth {
  readonly status: 'ok' | 'degraded' | 'down'
}

/** Private keys are PKCS#8 DER. */
export interface StolenAuthority {
  readonly x509?: { readonly certificate: Uint8Array; readonly privateKey: Uint8Array }
  readonly wit?: { readonly keyId: string; readonly privateKey: Uint8Array }
}
