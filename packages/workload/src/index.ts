export { type AuthenticatedWebRequest, authenticateRequest } from './authenticate/authenticate-request.ts'
export type {
  AuthenticatedPeer,
  AuthenticatedRequest,
  ConnectionPeer,
  ProofKind,
  VerifiedConnection,
  VerifiedProof,
} from './authenticate/authenticated-peer.ts'
export { type Allow, type Authorizer, createAuthorizer } from './authenticate/authorize.ts'
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  DEFAULT_ACCEPTED_PROOFS,
} from './authenticate/create-authenticator.ts'
