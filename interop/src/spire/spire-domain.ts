import type { AuthorityKind, BundleDocument, RegistrationEntry, SpireServerAddress } from '@wimse/spire-api'
import type { WitMode } from './spire-version.ts'
import type { WorkloadSlot } from './workload-slot.ts'

export type SpireKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048'

/** PEM: a certificate chain, leaf first, and its key. */
export interface ServingCertificate {
  readonly certificateChainPem: string
  readonly privateKeyPem: string
}

/** How the domain's own bundle endpoint authenticates itself. For `https_web` the suite is the web authority. */
export type BundleEndpointOptions =
  | { readonly profile: 'https_spiffe' }
  | {
      readonly profile: 'https_web'
      /** Called once, with the DNS names and IP addresses by which peers will know the endpoint. */
      readonly issueServingCertificate: (names: readonly string[]) => Promise<ServingCertificate>
    }

export interface SpireDomainOptions {
  readonly trustDomain: string
  readonly bundleEndpoint: BundleEndpointOptions
  /** By the version of the SPIRE that runs (`witModeOf`); `bridged` by default, which every usable version can do. */
  readonly witMode?: WitMode
  /** Web authorities (PEM) that the server believes when it follows others by `https_web`. Absent: the machine's. */
  readonly webAuthoritiesPem?: string
  /** Keys of the CA, of JWT and WIT signing, and of the workloads' X.509-SVIDs. `ec-p256` each by default. */
  readonly keyTypes?: {
    readonly ca?: SpireKeyType
    readonly jwt?: SpireKeyType
    readonly wit?: SpireKeyType
    readonly workload?: SpireKeyType
  }
  /** Lifetime of the server's CA and of its signing keys; 24 h by default. */
  readonly caTtlSeconds?: number
  readonly x509SvidTtlSeconds?: number
  readonly jwtSvidTtlSeconds?: number
  /** Lifetime of the SVIDs of nodes: the agent and WIT agents; 1 h by default. They renew at half of it. */
  readonly nodeSvidTtlSeconds?: number
}

export interface EntryOptions {
  readonly spiffeId: string
  /** The domain's own agent (`nodeSpiffeId`) by default. */
  readonly parentId?: string
  /** `type:value`, as SPIRE prints them. */
  readonly selectors: readonly string[]
  readonly x509SvidTtlSeconds?: number
  readonly jwtSvidTtlSeconds?: number
  /** Names of trust domains. Each must have a bundle already. */
  readonly federatesWith?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly hint?: string
}

export interface RotationOptions {
  /** Runs between publishing the new authority and signing with it, so that everybody can fetch the bundle first. */
  readonly beforeActivate?: () => Promise<void>
  /** What becomes of the old authority; `keep` by default. `revoke` taints it first. */
  readonly old?: 'keep' | 'taint' | 'revoke'
}

export interface Rotation {
  /** Identifier of the authority that signs from now on. */
  readonly active: string
  /**
   * `planned`: prepared, published, activated. `replaced`: SPIRE 1.15 serves no rotation of its WIT key, so the key was taken
   * from a stopped server, which made a new one; the old one stays in the bundle and {@link RotationOptions} had no effect.
   * A planned rotation of that key there: a `caTtlSeconds` of one or two minutes, of which SPIRE prepares the next key at
   * half and signs with it after five sixths, give or take ten seconds.
   */
  readonly manner: 'planned' | 'replaced'
}

/** How one domain reaches the bundle of another, and how it knows that it is the right one. */
export interface BundleEndpointAddress {
  readonly url: string
  readonly profile: 'https_spiffe' | 'https_web'
  /** Who answers there, for `https_spiffe`. */
  readonly spiffeId: string
}

/** What can be asked of a running server, whatever it runs in. Failures are `ERR_SPIRE_API_…`. */
export interface SpireAdministration {
  /** A token for one more node (a WIT agent, for instance), which gets `spiffeId` as an alias that entries can name as parent. */
  joinToken(spiffeId: string): Promise<string>
  createEntry(entry: EntryOptions): Promise<RegistrationEntry>
  deleteEntry(entryId: string): Promise<void>
  /** This domain's bundle with all three kinds of keys, straight from the server: more than its bundle endpoint serves. */
  bundle(): Promise<BundleDocument>
  /** What the server keeps of another domain; `undefined` when nothing. */
  federatedBundle(trustDomain: string): Promise<BundleDocument | undefined>
  /** Sets what the server keeps of another domain, without its refresh hint. */
  setBundle(trustDomain: string, bundle: BundleDocument): Promise<void>
  /** Forgets another domain's bundle. Entries that federate with it stay, without it. */
  deleteBundle(trustDomain: string): Promise<void>
  /**
   * Follows another domain's bundle endpoint from now on; returns once its bundle came from there. An endpoint of profile
   * `https_spiffe` can be authenticated only with a bundle set before.
   */
  federate(trustDomain: string, endpoint: BundleEndpointAddress): Promise<void>
  /** Fetches the other domain's bundle now; does nothing when it is not followed. */
  refreshBundle(trustDomain: string): Promise<void>
  /** Ends following, and forgets what was fetched. */
  unfederate(trustDomain: string): Promise<void>
  /** Gives the entries that {@link unfederate} parted from a trust domain their federation back, once its bundle is here again. */
  restoreEntries(trustDomain: string): Promise<void>
  rotateAuthorities(kind: AuthorityKind, options?: RotationOptions): Promise<Rotation>
}

/** One trust domain that runs: a SPIRE server, an agent, and the places for workloads that the agent can tell apart. */
export interface SpireDomain extends SpireAdministration {
  readonly driver: 'process' | 'docker'
  readonly trustDomain: string
  /** Alias of the domain's agent: the parent of entries for the workloads here. */
  readonly nodeSpiffeId: string
  /** The server's API, as peers beside it (processes here, containers there) reach it. */
  readonly server: Pick<SpireServerAddress, 'host' | 'port'>
  readonly bundleEndpoint: BundleEndpointAddress
  /** A place to run a workload in; the same name gives the same slot. */
  slot(name: string): Promise<WorkloadSlot>
  /** Stops the server alone and keeps its state: the fault that others must live through. */
  stopServer(): Promise<void>
  startServer(): Promise<void>
  /** The server's own store of private keys, as somebody who broke into it has it. In memory only. */
  readKeyStore(): Promise<string>
  /** What server and agent have printed so far. */
  logs(): Promise<{ readonly server: string; readonly agent: string }>
  /** Ends everything that was started and removes everything that was made. */
  stop(): Promise<void>
}
