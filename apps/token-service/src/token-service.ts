import { inMemoryReplayStore, type ReplayStore, type Runtime } from '@wimse/core'
import { defaultRuntime, WIMSE_ALGORITHMS } from '@wimse/keys'
import {
  type ClientAuthenticator,
  createClientAuthenticator,
  DEFAULT_MAX_REQUEST_BYTES,
  GRANT_TYPES,
  type IssuerKeys,
  MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
  serverMetadataResponse,
  TOKEN_TYPES,
} from '@wimse/token-exchange'
import { createTransactionTokenVerifier } from '@wimse/transaction-tokens'
import { createWitVerifier } from '@wimse/wit'
import type { Workload } from '@wimse/workload/node'
import type { ClientMethod, TokenServiceConfig } from './config/token-service-config.ts'
import { combineIssuers, openIssuers } from './issuers/issuer-keys.ts'
import { openWorkload } from './issuers/open-workload.ts'
import { generatedKeys } from './keys/generated-keys.ts'
import { type KeyFile, keyFile } from './keys/key-file.ts'
import type { SigningKeys } from './keys/signing-keys.ts'
import { describeFailure, type OperatorLog } from './log/operator-log.ts'
import { type HealthReport, serveHealth } from './serve/health-server.ts'
import type { Listening } from './serve/listen.ts'
import { JWKS_PATH, serveTokens, TOKEN_PATH } from './serve/token-server.ts'
import { createTokenEndpoint } from './token/token-endpoint.ts'
import { createTokenRules, type TokenRules } from './token/token-rules.ts'

/** Options of {@link startTokenService}. */
export interface TokenServiceOptions {
  readonly log: OperatorLog
  readonly runtime?: Runtime
  /** Proofs and used grants; in memory, each apart from the other, unless told. Instances that answer to one issuer have to share it. */
  readonly replay?: ReplayStore
}

/** A token service that runs. */
export interface TokenService {
  readonly port: number
  /** 0 where there is no health endpoint. */
  readonly healthPort: number
  health(): HealthReport
  /** Reads the file with the keys again, where there is one. What can't be used is logged and changes nothing. */
  reloadKeys(): Promise<void>
  close(): Promise<void>
}

/** A key is published for as long as anything that it signed can live, and the clocks of others. */
const KEY_OVERLAP_SECONDS: number = MAX_ACCESS_TOKEN_LIFETIME_SECONDS + 300

/**
 * Starts a token service: reads its keys, gets its X.509-SVID and anchors from the Workload API, and opens its endpoints.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for files and policies that can't be used, `ERR_CREDENTIAL_UNAVAILABLE` when the Workload API gave nothing in
 *   time; the error of the system when an address can't be had
 */
export async function startTokenService(config: TokenServiceConfig, options: TokenServiceOptions): Promise<TokenService> {
  const { log, runtime = defaultRuntime(), replay } = options
  const inMemory = (): ReplayStore => inMemoryReplayStore({ capacity: config.replayCapacity })
  // Apart: nobody's proofs keep grants from being redeemed.
  const stores = { proofs: replay ?? inMemory(), usedGrants: replay ?? inMemory() }
  const { file } = config.keys
  const fromFile = file === undefined ? undefined : await keyFile(file, runtime)
  const keys = fromFile ?? (await generatedKeys({ ...config.keys, overlapSeconds: KEY_OVERLAP_SECONDS, runtime, log }))
  const closers: (() => unknown)[] = [() => keys.close()]
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) await step()
  }
  let workload: Workload | undefined
  let serving = false
  const report = (): HealthReport => reportHealth(serving ? workload : undefined, keys, config)
  try {
    // First, so that whoever started it sees that it lives while it waits for credentials.
    const health = config.health && (await serveHealth(config.health, report))
    if (health) closers.push(() => health.close())
    const opened = await openWorkload(config, runtime)
    workload = opened
    closers.push(() => opened.close())
    const server = await serve(config, { workload, keys, stores, runtime, log })
    closers.push(() => server.close())
    serving = true
    log.event('service.ready', { issuer: config.issuer, port: server.port, keyId: keys.current().keyId })
    return {
      port: server.port,
      healthPort: health?.port ?? 0,
      health: report,
      reloadKeys: () => reload(fromFile, log),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface ServiceParts {
  readonly workload: Workload
  readonly keys: SigningKeys
  readonly stores: { readonly proofs: ReplayStore; readonly usedGrants: ReplayStore }
  readonly runtime: Runtime
  readonly log: OperatorLog
}

async function serve(config: TokenServiceConfig, { workload, keys, stores, runtime, log }: ServiceParts): Promise<Listening> {
  const { issuer, clients } = config
  const { x509, trust } = workload.source
  const takes = (method: ClientMethod): boolean => clients.methods.includes(method)
  const admitted = clientAuthenticator(config, { workload, stores, runtime })
  const rules = await tokenRules(config, { workload, keys, stores, runtime })
  const accept = ['wpt', 'http-signature'] as const
  const endpoint = createTokenEndpoint({
    rules,
    caller: {
      authenticator: takes('wimse')
        ? workload.authenticator({
            audience: [issuer, ...config.aliases],
            replay: stores.proofs,
            accept,
            maxBodyBytes: DEFAULT_MAX_REQUEST_BYTES,
          })
        : undefined,
      takesConnections: takes('mutual-tls'),
      runtime,
    },
    clients: admitted,
    log,
  })
  const metadata = (): Response =>
    serverMetadataResponse({
      issuer,
      tokenEndpoint: `${issuer}${TOKEN_PATH}`,
      jwksUri: `${issuer}${JWKS_PATH}`,
      grantTypes: [GRANT_TYPES.tokenExchange, ...(config.chaining.inbound.length > 0 ? [GRANT_TYPES.jwtBearer] : [])],
      chainingTokenTypes: config.chaining.outbound.length > 0 ? [TOKEN_TYPES.jwt] : [],
      authenticationMethods: admitted.methods,
      attestationAlgorithms: WIMSE_ALGORITHMS,
    })
  // A fault of the metadata shows at start and not at the first question.
  metadata()
  return serveTokens({ address: config.listen, source: x509, trust, endpoint, jwks: () => keys.jwks(), metadata, runtime, log })
}

function clientAuthenticator(
  { issuer, clients }: TokenServiceConfig,
  { workload, stores, runtime }: Pick<ServiceParts, 'workload' | 'stores' | 'runtime'>,
): ClientAuthenticator {
  const { trust, witProfile = 'wimse' } = workload.source
  const takes = (method: ClientMethod): boolean => clients.methods.includes(method)
  return createClientAuthenticator({
    issuer,
    admit: clients.admit,
    ...(takes('jwt-svid') && { jwtSvid: { trust } }),
    ...(takes('wit') && { wit: { verifyWit: createWitVerifier({ trust, profile: witProfile, runtime }), replay: stores.proofs } }),
    ...(takes('mutual-tls') && { x509: true }),
    ...(takes('wimse') && { wimse: true }),
    runtime,
  })
}

async function tokenRules(
  config: TokenServiceConfig,
  { workload, keys, stores, runtime }: Pick<ServiceParts, 'workload' | 'keys' | 'stores' | 'runtime'>,
): Promise<TokenRules> {
  const { accessTokenIssuers, chaining, issuer, trustDomain } = config
  const fetching = { runtime, peerFetch: workload.fetch }
  const own: IssuerKeys = { keys: (name) => (name === issuer ? keys.authorities() : undefined), refresh: async () => false }
  const others = await openIssuers(accessTokenIssuers, fetching)
  const sources = new Map([...accessTokenIssuers.map((entry) => [entry.issuer, others] as const), [issuer, own] as const])
  return createTokenRules({
    config,
    keys,
    runtime,
    accessTokenIssuers: combineIssuers(sources),
    grantIssuers: await openIssuers(chaining.inbound, fetching),
    verifyTransactionToken: createTransactionTokenVerifier({
      keys: { current: () => keys.authorities(), refresh: async () => false },
      audience: trustDomain,
      runtime,
    }),
    usedGrants: stores.usedGrants,
    selfSigned: stores.proofs,
  })
}

function reportHealth(workload: Workload | undefined, keys: SigningKeys, { trustDomain }: TokenServiceConfig): HealthReport {
  const svid = attempt(() => workload?.source.x509.current())
  const trust = attempt(() => workload?.source.trust.bundle(trustDomain))?.x509Authorities.length ?? 0
  return { ready: svid !== undefined && trust > 0, svidExpiresAt: svid?.notAfter ?? null, trust: trust > 0, keyId: keys.current().keyId }
}

async function reload(file: KeyFile | undefined, log: OperatorLog): Promise<void> {
  try {
    await file?.reload()
    if (file !== undefined) log.event('keys.reloaded', { keyId: file.current().keyId })
  } catch (error) {
    log.event('keys.unusable', describeFailure(error))
  }
}

function attempt<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch {
    return undefined
  }
}
