export {
  type BridgedWitSource,
  type BridgedWitSourceOptions,
  createBridgedWitSource,
  DEFAULT_BRIDGED_TIMEOUT_MS,
} from './client/bridged-wit-source.ts'
export { requestWit, type WitAgentPeer, type WitRequestInput } from './client/request-wit.ts'
export {
  createWitRequest,
  DEFAULT_WIT_REQUEST_LIFETIME_SECONDS,
  WIT_REQUEST_PATH,
  WIT_REQUEST_TYP,
  type WitRequestOptions,
} from './request/wit-request.ts'
