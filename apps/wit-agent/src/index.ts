export type { ConfigFault } from './config/decode.ts'
export {
  DEFAULT_AGENT_PATH,
  DEFAULT_REFRESH_HINT_SECONDS,
  DEFAULT_SYNC_INTERVAL_SECONDS,
  type DecodedConfig,
  decodeWitAgentConfig,
  formatFault,
  type HealthAddress,
  type ListenAddress,
  parseWitAgentConfig,
  type WitAgentConfig,
} from './config/wit-agent-config.ts'
export { type EventFields, jsonLinesLog, type OperatorLog } from './log/operator-log.ts'
export { BUNDLE_PATH } from './serve/bundle-endpoint.ts'
export { HEALTH_PATH, type HealthReport } from './serve/health-endpoint.ts'
export { DEFAULT_REPLAY_CAPACITY, startWitAgent, type WitAgent, type WitAgentOptions, type WitAgentPorts } from './wit-agent.ts'
