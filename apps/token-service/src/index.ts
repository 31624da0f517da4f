export type { ConfigFault } from '@wimse/program'
export { type EventFields, jsonLinesLog, type OperatorLog } from '@wimse/program'
export type { NarrowingName, OutboundRule, ReplacementRule, SubjectKind, TransactionTokenRule } from './config/policy-config.ts'
export type { RedisStateConfig, RevocationConfig, StateConfig } from './config/state-config.ts'
export {
  type ClientMethod,
  DEFAULT_REPLAY_CAPACITY,
  DEFAULT_ROTATE_EVERY_SECONDS,
  decodeTokenServiceConfig,
  type IssuerConfig,
  parseTokenServiceConfig,
  type TokenServiceConfig,
  type WitBundleConfig,
} from './config/token-service-config.ts'
export { REVOCATIONS_PATH } from './revocation/operator-endpoint.ts'
export { DEFAULT_REVOCATION_SECONDS, MAX_REVOCATION_SECONDS } from './revocation/read-revocation.ts'
export { MAX_REVOCATIONS, type Revocation, type RevocationKey, type RevocationKind } from './revocation/revocation.ts'
export type { HealthReport, MemoryReport } from './serve/health-server.ts'
export { JWKS_PATH, METADATA_PATH, REVOKE_PATH, TOKEN_PATH } from './serve/token-server.ts'
export { startTokenService, type TokenService, type TokenServiceOptions } from './token-service.ts'
