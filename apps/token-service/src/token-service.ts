import type { Runtime } from '@wimse/core'
import { defaultRuntime, WIMSE_ALGORITHMS } from '@wimse/keys'
import { describeFailure, type Listening, type OperatorLog } from '@wimse/program'
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
import { longestGrantSeconds } from './config/deferral-config.ts'
import type { ClientMethod, TokenServiceConfig } from './config/token-service-config.ts'
import { combineIssuers, openIssuers } from './issuers/issuer-keys.ts'
import { openWorkload } from './issuers/open-workload.ts'
import { generatedKeys } from './keys/generated-keys.ts'
import { type KeyFile, keyFile } from './keys/key-file.ts'
import type { SigningKeys } from './keys/signing-keys.ts'
import { createOperatorEndpoint, REVOCATIONS_PATH } from './revocation/operator-endpoint.ts'
import { DEFAULT_REVOCATION_SECONDS } from './revocation/read-revocation.ts'
import { MAX_CLOCK_SKEW_SECONDS } from './revocation/revocation.ts'
import { createRevocationEndpoint } from './revocation/revocation-endpoint.ts'
import { type HealthReport, serveHealth } from './serve/health-server.ts'
import { JWKS_PATH, REVOKE_PATH, serveTokens, TOKEN_PATH } from './serve/token-server.ts'
import { openState, type ServiceState } from './state/service-state.ts'
import type { CallerRules } from './token/authenticate-caller.ts'
import { createTokenEndpoint, type TokenEndpoint } from './token/token-endpoint.ts'
import { createTokenRules, type TokenRules } from './token/token-rules.ts'

/** Options of {@link startTokenService}. */
export interface TokenServiceOptions {
  readonly log: OperatorLog
  readonly runtime?: Runtime
}

/** A token service that runs. */
export interface TokenService {
  readonly port: number
  /** 0 where there is no health endpoint. */
  readonly healthPort: number
  health(): Promise<HealthReport>
  /** Reads the file with the keys again, where there is one. What can't be used is logged and changes nothing. */
  reloadKeys(): Promise<void>
  close(): Promise<void>
}

/** A key is published for as long as anything that it signed can live, and the clocks of others. */
const KEY_OVERLAP_SECONDS: number = MAX_ACCESS_TOKEN_LIFETIME_SECONDS + 300

/**
 * Starts a token service: reads its keys, opens its state, gets its X.509-SVID and anchors from the Workload API, and opens its endpoints.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for files and policies that can't be used, `ERR_REPLAY_STORE_UNAVAILABLE` when Redis
 *   can't be reached, `ERR_CREDENTIAL_UNAVAILABLE` when the Workload API gave nothing in time; the error of the system when an address can't be had
 */
export async function startTokenService(config: TokenServiceConfig, options: TokenServiceOptions): Promise<TokenService> {
  const { log, runtime = defaultRuntime() } = options
  const { file } = config.keys
  const fromFile = file === undefined ? undefined : await keyFile(file, runtime)
  const keys = fromFile ?? (await generatedKeys({ ...config.keys, ...keyPeriods(config), runtime, log }))
  const closers: (() => unknown)[] = [() => keys.close()]
  const close = async (): Promise<void> => {
    for (const step of closers.splice(0).reverse()) await step()
  }
  let serving: { readonly workload: Workload; readonly state: ServiceState } | undefined
  const report = (): Promise<HealthReport> => reportHealth(serving?.workload, serving?.state, keys, config)
  try {
    // First, so that whoever started it sees that it lives while it waits for credentials.
    const health = config.health && (await serveHealth(config.health, report))
    if (health) closers.push(() => health.close())
    const state = await openState(config, runtime)
    closers.push(() => state.close())
    const workload = await openWorkload(config, runtime)
    closers.push(() => workload.close())
    const server = await serve(config, { workload, keys, state, runtime, log })
    closers.push(() => server.close())
    serving = { workload, state }
    log.event('service.ready', { issuer: config.issuer, port: server.port, keyId: keys.current().keyId, state: state.kind })
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

/** A grant is verified here alone: its key is kept for that, and published no longer than for other tokens. */
function keyPeriods({ deferral }: TokenServiceConfig): { readonly overlapSeconds: number; readonly keptSeconds: number } {
  return { overlapSeconds: KEY_OVERLAP_SECONDS, keptSeconds: longestGrantSeconds(deferral) + 300 }
}

interface ServiceParts {
  readonly workload: Workload
  readonly keys: SigningKeys
  readonly state: ServiceState
  readonly runtime: Runtime
  readonly log: OperatorLog
}

async function serve(config: TokenServiceConfig, parts: ServiceParts): Promise<Listening> {
  const { issuer } = config
  const { workload, keys, runtime, log } = parts
  const { x509, trust } = workload.source
  const admitted = clientAuthenticator(config, parts)
  const endpointAt = endpoints(config, parts, admitted, await tokenRules(config, parts))
  const metadata = (): Response =>
    serverMetadataResponse({
      issuer,
      tokenEndpoint: `${issuer}${TOKEN_PATH}`,
      jwksUri: `${issuer}${JWKS_PATH}`,
      revocationEndpoint: `${issuer}${REVOKE_PATH}`,
      grantTypes: [GRANT_TYPES.tokenExchange, ...(config.chaining.inbound.length > 0 ? [GRANT_TYPES.jwtBearer] : [])],
      chainingTokenTypes: config.chaining.outbound.length > 0 ? [TOKEN_TYPES.jwt] : [],
      authenticationMethods: admitted.methods,
      attestationAlgorithms: WIMSE_ALGORITHMS,
    })
  // A fault of the metadata shows at start and not at the first question.
  metadata()
  return serveTokens({ address: config.listen, source: x509, trust, endpointAt, jwks: () => keys.jwks(), metadata, runtime, log })
}

/** What answers at which path. */
function endpoints(
  config: TokenServiceConfig,
  { workload, keys, state, runtime, log }: ServiceParts,
  clients: ClientAuthenticator,
  rules: TokenRules,
): (path: string) => TokenEndpoint | undefined {
  const takes = (method: ClientMethod): boolean => config.clients.methods.includes(method)
  const audience = [config.issuer, ...config.aliases]
  const accept = ['wpt', 'http-signature'] as const
  const caller: CallerRules = {
    authenticator: takes('wimse')
      ? workload.authenticator({ audience, replay: state.proofs, accept, maxBodyBytes: DEFAULT_MAX_REQUEST_BYTES })
      : undefined,
    takesConnections: takes('mutual-tls'),
    runtime,
  }
  const token = createTokenEndpoint({ rules, caller, clients, revocations: state.revocations, log })
  const revoke = createRevocationEndpoint({ store: state.revocations, grantUses: state.grantUses, keys, caller, clients, runtime, log })
  const { operators } = config.revocation
  // No token that exists outlives what is stopped.
  const longestSeconds = Math.max(DEFAULT_REVOCATION_SECONDS, longestGrantSeconds(config.deferral) + MAX_CLOCK_SKEW_SECONDS)
  const stopped = createOperatorEndpoint({
    store: state.revocations,
    longestSeconds,
    operators,
    readers: config.clients.admit,
    caller,
    runtime,
    log,
  })
  return (path) => {
    if (path === TOKEN_PATH) return token
    if (path === REVOKE_PATH) return revoke
    const below = path === REVOCATIONS_PATH || path.startsWith(`${REVOCATIONS_PATH}/`)
    return below ? (view, peer) => stopped(view, peer, path.slice(REVOCATIONS_PATH.length)) : undefined
  }
}

function clientAuthenticator(
  { issuer, clients }: TokenServiceConfig,
  { workload, state, runtime }: Pick<ServiceParts, 'workload' | 'state' | 'runtime'>,
): ClientAuthenticator {
  const { trust, witProfile = 'wimse' } = workload.source
  const takes = (method: ClientMethod): boolean => clients.methods.includes(method)
  return createClientAuthenticator({
    issuer,
    admit: clients.admit,
    ...(takes('jwt-svid') && { jwtSvid: { trust } }),
    ...(takes('wit') && { wit: { verifyWit: createWitVerifier({ trust, profile: witProfile, runtime }), replay: state.proofs } }),
    ...(takes('mutual-tls') && { x509: true }),
    ...(takes('wimse') && { wimse: true }),
    runtime,
  })
}

async function tokenRules(
  config: TokenServiceConfig,
  { workload, keys, state, runtime }: Pick<ServiceParts, 'workload' | 'keys' | 'state' | 'runtime'>,
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
      // Each is replaced once or twice: to remember thousands of them costs more, in long collections of garbage, than it saves.
      cacheSize: 0,
      runtime,
    }),
    usedGrants: state.usedGrants,
    selfSigned: state.proofs,
    grantUses: state.grantUses,
  })
}

async function reportHealth(
  workload: Workload | undefined,
  state: ServiceState | undefined,
  keys: SigningKeys,
  config: TokenServiceConfig,
): Promise<HealthReport> {
  const svid = attempt(() => workload?.source.x509.current())
  const anchors = attempt(() => workload?.source.trust.bundle(config.trustDomain))?.x509Authorities.length ?? 0
  const stateReachable = (await state?.reachable()) ?? false
  const { heapUsed: heapUsedBytes, rss: residentBytes } = process.memoryUsage()
  return {
    ready: svid !== undefined && anchors > 0 && stateReachable,
    svidExpiresAt: svid?.notAfter ?? null,
    trust: anchors > 0,
    keyId: keys.current().keyId,
    state: config.state.redis === undefined ? 'memory' : 'redis',
    stateReachable,
    memory: { heapUsedBytes, residentBytes },
  }
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
