export type { ConfigFault } from '@wimse/program'
export { type EventFields, jsonLinesLog, type OperatorLog } from '@wimse/program'
export {
  DEFAULT_AGENT_PATH,
  DEFAULT_REFRESH_HINT_SECONDS,
  DEFAULT_SYNC_INTERVAL_SECONDS,
  decodeWitAgentConfig,
  type HealthAddress,
  parseWitAgentConfig,
  type WitAgentConfig,
} from './config/wit-agent-config.ts'
export { BUNDLE_PATH } from './serve/bundle-endpoint.ts'
export { HEALTH_PATH, type HealthReport } from './serve/health-endpoint.ts'
export { DEFAULT_REPLAY_CAPACITY, startWitAgent, type WitAgent, type WitAgentOptions, type WitAgentPorts } from './wit-agent.ts'
