export { type CallCredentials, type PrepareCallOptions, type PreparedCall, prepareCall } from './call/prepare-call.ts'
export { type ProcessedResponse, type ProcessResponseOptions, processResponse } from './call/process-response.ts'
export type { CallChoice, CallInit, ProofChoice, ProofRule } from './call/proof-choice.ts'
export { connectionPeerOf } from './node/connection-peer.ts'
export {
  createWorkload,
  DEFAULT_READY_TIMEOUT_MS,
  DEFAULT_REPLAY_CAPACITY,
  type Workload,
  type WorkloadOptions,
} from './node/create-workload.ts'
export { createHttpsTransport, type Transport, type TransportResponse } from './node/https-transport.ts'
export { createNodeListener, type NodeListenerOptions, type PeerHandler } from './node/node-listener.ts'
export { requestViewOfIncoming, sendResponse } from './node/node-message.ts'
export { type NodeServerOptions, nodeServer } from './node/node-server.ts'
export {
  DEFAULT_MAX_TRUST_AGE_SECONDS,
  type WorkloadApiSourceOptions,
  type WorkloadSource,
  workloadApi,
} from './node/workload-source.ts'
