export { createMutualTlsAgent, type MutualTlsAgentOptions } from './agent.ts'
export { type Authorizer, authorizeAnyOf, authorizeIdentifier, authorizePattern, authorizeTrustDomain } from './authorizers.ts'
export { type ConnectMutualTlsOptions, connectMutualTls, type ExpectedPeer, type MutualTlsClientOptions } from './connect.ts'
export {
  createMutualTlsHttpsServer,
  createMutualTlsServer,
  DEFAULT_HANDSHAKE_TIMEOUT_MS,
  type MutualTlsListener,
  type MutualTlsServerOptions,
} from './server.ts'
export { matchesDnsName } from './server-name.ts'
export { peerOf, recheckPeer, type VerifiedPeer, type X509Anchors, type X509Trust } from './verified-peer.ts'
export { DEFAULT_MIN_VERSION, type MinVersion, type X509Credential, type X509Source } from './x509-source.ts'
