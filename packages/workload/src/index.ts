export { type AuthenticateRequestOptions, authenticateRequest } from './authenticate/authenticate-request.ts'
export {
  type AuthenticatedPeer,
  type AuthenticatedRequest,
  assertAuthenticatedPeer,
  type ConnectionPeer,
  type ProofKind,
  type VerifiedConnection,
  type VerifiedProof,
} from './authenticate/authenticated-peer.ts'
export { type Allow, type Authorizer, createAuthorizer } from './authenticate/authorize.ts'
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  DEFAULT_ACCEPTED_PROOFS,
  type RecipientOptions,
  type TransactionTokenRules,
} from './authenticate/create-authenticator.ts'
