import type { DriverName, WorldName } from '../suite/check.ts'
import type { CallResult, CallSpec, LentJwtSvid, LentWit, MessageSpec, PeerStatus, StreamReport, StreamSpec } from './control-protocol.ts'

/**
 * The workloads that do what the suite tells them. `rogue` is registered in the shop and allowed nowhere; `stranger` has no entry at all. Those that begin
 * with `as-` are in the world `shop` and hold the identity of a service there, as somebody who broke into it; `scheduler` begins what runs at night; `operator`
 * stops what the token service is to give no more tokens for; `bank-clerk` reads the bank's ledger.
 */
export type WorkloadName =
  | 'orders'
  | 'payments'
  | 'rogue'
  | 'ledger'
  | 'stranger'
  | 'as-storefront'
  | 'as-orders'
  | 'as-payments'
  | 'as-concierge'
  | 'as-buyer'
  | 'as-settlement'
  | 'scheduler'
  | 'operator'
  | 'bank-clerk'

/** The programs of the world `shop` that nobody tells anything. */
export type ServiceName =
  | 'shop-tokens'
  | 'bank-tokens'
  | 'login'
  | 'storefront'
  | 'orders'
  | 'orders-evening'
  | 'fraud'
  | 'payments'
  | 'settlement'
  | 'settlement-2'
  | 'ledger'
  | 'concierge'
  | 'buyer'

export type TrustDomainName = 'shop.example' | 'bank.example'

/** A running world of one driver. */
export interface World {
  readonly driver: DriverName
  readonly name: WorldName
  /** What the report says of it: SPIRE's version and mode, images, engine. */
  readonly environment: WorldEnvironment
  readonly trustDomains: Readonly<Record<TrustDomainName, TrustDomainControl>>
  workload(name: WorkloadName): ControlledWorkload
  /** What the world `shop` has beside it; absent in the others. */
  readonly shop?: Shop
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
  /** A JWT-SVID of it for an audience, as somebody has it who could fetch one. In memory only. */
  lendJwtSvid(audience: string): Promise<LentJwtSvid>
  /** Proves a message under its identity. @returns the two lines to add to the message's fields. In memory only */
  proveMessage(spec: MessageSpec): Promise<readonly (readonly [name: string, value: string])[]>
  startStream(spec: StreamSpec): Promise<void>
  stopStream(): Promise<StreamReport>
}

/** The sample services as their users and operators see them. */
export interface Shop {
  /** `https://…` of a service, as its peers call it. */
  url(service: ServiceName): string
  /** Signs a user in at the identity provider, as a browser does. @returns an access token for that service */
  signIn(options: SignIn): Promise<string>
  /**
   * Calls a service that faces users, as a user: with no certificate and no proof. The service is authenticated. Redirects are not followed. The token
   * service of the shop is reached so as well.
   */
  userFetch(url: string, init?: RequestInit): Promise<Response>
  /** What the services have said of the requests that they handled, oldest first. */
  hops(): Promise<readonly Hop[]>
  /** What workers have said of their jobs, oldest first. */
  jobs(): Promise<readonly JobLine[]>
  /** What a token service has issued and refused, oldest first. */
  events(domain: ShopDomain): Promise<readonly TokenEvent[]>
  /** Resident bytes of a token service. @throws NotRun where the platform doesn't tell */
  memory(domain: ShopDomain): Promise<number>
  /** What users type in to sign in: to be found in nothing that was printed. */
  readonly passwords: readonly string[]
  /** The broker that jobs wait in. @throws NotRun where none can be had */
  broker(): Broker
  /** Ends a service without a goodbye. That isn't held against the world. As the next ones, it does nothing where that is so already. */
  kill(service: ServiceName): Promise<void>
  /** Starts a service again that was killed; returns when it is ready. */
  start(service: ServiceName): Promise<void>
  /** Stops a service where it stands: connections stay, answers don't come. */
  pause(service: ServiceName): Promise<void>
  resume(service: ServiceName): Promise<void>
  /** Takes away what a service is registered as: it gets no new credentials, and keeps what it has until that ends. */
  unregister(service: ServiceName): Promise<void>
  register(service: ServiceName): Promise<void>
}

/** A NATS server with JetStream, which keeps what it has when it is killed. */
export interface Broker {
  /** `nats://127.0.0.1:…`: for the suite, as somebody who is in the broker. */
  readonly url: string
  kill(): Promise<void>
  start(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
}

export type ShopDomain = 'shop' | 'bank'

export interface SignIn {
  readonly user: string
  readonly service: ServiceName
  /** Such as `shop:order`. */
  readonly scope: readonly string[]
}

/** A line of a service about one request. Members that don't apply are absent; no token is in any. */
export interface Hop {
  readonly service: ServiceName
  /** RFC 3339. */
  readonly time: string
  /** Such as `POST /orders`. */
  readonly request?: string
  readonly caller?: string
  readonly proof?: string
  readonly transaction?: string
  readonly subject?: string
  readonly scope?: readonly string[]
  readonly requestingWorkloads?: readonly string[]
  /** Who acts for the subject, the current one first. */
  readonly actors?: readonly string[]
  /** What a ledger has entered, and for which deferred work: who asked for it, who did it, and for whom. */
  readonly entry?: string
  readonly requester?: string
  readonly worker?: string
  readonly user?: string
  readonly decision: 'allowed' | 'refused'
  readonly reason?: string
}

/** A line of a worker about one job. Members that don't apply are absent; no token is in any. */
export interface JobLine {
  readonly service: ServiceName
  /** RFC 3339. */
  readonly time: string
  /** Which message of which stream it is, as the broker counts: `STREAM:7`. */
  readonly position: string
  /** How often the broker has delivered it, this time included. */
  readonly delivery: number
  readonly step: 'taken' | 'redeemed' | 'done' | 'retry' | 'buried'
  /** What its sender calls it. */
  readonly job?: string
  readonly sender?: string
  readonly action?: string
  /** Of the token that the redemption gave, as those that follow. */
  readonly transaction?: string
  readonly subject?: string
  readonly scope?: readonly string[]
  readonly actors?: readonly string[]
  /** The workload that the grant was given to, and the transaction that it was given in. */
  readonly requester?: string
  readonly linkedTransaction?: string
  readonly receipt?: string
  /** Why it is tried again, or was given up. */
  readonly code?: string
  readonly delaySeconds?: number
}

/** A line of a token service; see its README for the members. */
export interface TokenEvent {
  readonly time: string
  readonly event: string
  readonly [member: string]: unknown
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
