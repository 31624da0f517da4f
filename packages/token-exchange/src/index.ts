export { allowInsecureEndpoint } from '@wimse/trust'
export { accessTokenErrorResponse } from './access-token/access-token-error-response.ts'
export { certificateThumbprint, type ProvenKey } from './access-token/confirmation.ts'
export {
  type AccessTokenContents,
  DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS,
  issueAccessToken,
  MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
} from './access-token/issue-access-token.ts'
export {
  type AccessTokenClaims,
  type AccessTokenRules,
  type VerifiedAccessToken,
  type VerifyAccessTokenOptions,
  verifyAccessToken,
  verifySubjectAccessToken,
} from './access-token/verify-access-token.ts'
export { type VerifyActorTokenOptions, verifyActorToken } from './access-token/verify-actor-token.ts'
export {
  type AuthorizationGrantContents,
  type IssueAuthorizationGrantOptions,
  type IssuedJwt,
  issueAuthorizationGrant,
  MAX_AUTHORIZATION_GRANT_LIFETIME_SECONDS,
} from './chaining/issue-authorization-grant.ts'
export { type JwtBearerRequestOptions, jwtBearerRequest } from './chaining/jwt-bearer-request.ts'
export {
  type ClaimRule,
  type ClaimsTable,
  createTranscription,
  type NameRule,
  type TranscribedClaims,
  type Transcription,
} from './chaining/transcribe-claims.ts'
export {
  type VerifiedAuthorizationGrant,
  type VerifyAuthorizationGrantOptions,
  verifyAuthorizationGrant,
} from './chaining/verify-authorization-grant.ts'
export {
  attestationChallengeRequest,
  attestationChallengeResponse,
  createAttestationChallenges,
  DEFAULT_CHALLENGE_LIFETIME_SECONDS,
  processAttestationChallengeResponse,
  type RotatingChallenges,
} from './client-auth/attestation-challenges.ts'
export {
  type ClientAuthenticator,
  type ClientAuthenticatorOptions,
  type ClientConnection,
  type ClientRequest,
  createClientAuthenticator,
  type ProvenPeer,
} from './client-auth/authenticate-client.ts'
export {
  type AuthenticatedClient,
  assertAuthenticatedClient,
  type ClientAuthenticationMethod,
  type Confirmation,
  requireConfirmation,
} from './client-auth/authenticated-client.ts'
export {
  type AttestationAuthenticationOptions,
  type ClientAuthentication,
  clientIdentification,
  createAttestationAuthentication,
  jwtSvidAuthentication,
} from './client-auth/client-authentication.ts'
export {
  type AttestationChallenges,
  type AttestationRules,
  DEFAULT_MAX_PROOF_AGE_SECONDS,
} from './client-auth/verify-attestation-proof.ts'
export { canonicalJson, hashOfParameters, MAX_PARAMETERS_DEPTH } from './deferred/canonical-json.ts'
export { checkRedemption, type Redemption, type RedemptionRequest } from './deferred/check-redemption.ts'
export {
  type Deferral,
  formatDeferral,
  MAX_DEFERRED_USES,
  MAX_PURPOSE_LENGTH,
  parseDeferral,
  type ReadDeferral,
} from './deferred/deferral.ts'
export {
  type DeferredGrantRequestOptions,
  deferredGrantRequest,
  type RedemptionRequestOptions,
  redemptionRequest,
} from './deferred/deferred-requests.ts'
export {
  type GrantUse,
  type GrantUseClaim,
  type GrantUseOutcome,
  type GrantUseStore,
  type InMemoryGrantUseStore,
  type InMemoryGrantUseStoreOptions,
  inMemoryGrantUseStore,
  requireUse,
} from './deferred/grant-use-store.ts'
export {
  DEFERRED_GRANT_TYPE,
  type DeferredGrantContents,
  issueDeferredGrant,
  MAX_DEFERRED_GRANT_LIFETIME_SECONDS,
} from './deferred/issue-deferred-grant.ts'
export {
  formatParameterLimits,
  MAX_LIMITED_PARAMETERS,
  type ParameterLimit,
  type ParameterLimits,
  parseParameterLimits,
  withinLimits,
} from './deferred/parameter-limits.ts'
export {
  type DeferredTerms,
  type VerifiedDeferredGrant,
  type VerifyDeferredGrantOptions,
  verifyDeferredGrant,
} from './deferred/verify-deferred-grant.ts'
export {
  type ActingGrant,
  type ActingRequest,
  actFor,
  claimsOfActing,
  delegate,
  impersonate,
} from './delegation/act-for.ts'
export { type Actor, currentActor, DEFAULT_MAX_CHAIN_DEPTH, formatActorChain, parseActorChain } from './delegation/actor-chain.ts'
export {
  type ActingQuestion,
  type ActingRule,
  createDelegationPolicy,
  type DelegationPolicy,
  type DelegationPolicyOptions,
} from './delegation/delegation-policy.ts'
export {
  type ClientParameters,
  DEFAULT_MAX_EXCHANGED_TOKEN_BYTES,
  DEFAULT_MAX_TARGETS,
  type JwtBearerParameters,
  type ParseTokenRequestOptions,
  parseJwtBearerRequest,
  parseTokenExchangeRequest,
  parseTokenRequest,
  type TokenExchangeParameters,
} from './exchange/parse-token-request.ts'
export {
  type ExchangedToken,
  type IssuedToken,
  type ProcessTokenResponseOptions,
  processAccessTokenResponse,
  processTokenExchangeResponse,
} from './exchange/process-token-response.ts'
export { createTargetTable, type Target, type TargetTable } from './exchange/target-table.ts'
export { type TokenExchangeRequestOptions, type TypedToken, tokenExchangeRequest } from './exchange/token-exchange-request.ts'
export {
  accessTokenAnswer,
  accessTokenResponse,
  type TokenExchangeResponseOptions,
  type TokenResponseOptions,
  tokenExchangeAnswer,
  tokenExchangeResponse,
} from './exchange/token-response.ts'
export {
  DEFAULT_JWKS_COOLDOWN_SECONDS,
  DEFAULT_JWKS_MAX_AGE_SECONDS,
  type IssuerKeys,
  type JwkSet,
  MAX_ISSUER_KEYS,
  type RemoteIssuerKeysOptions,
  remoteIssuerKeys,
  staticIssuerKeys,
} from './issuers/issuer-keys.ts'
export type { IssuerJwtOptions } from './issuers/verify-issuer-jwt.ts'
export {
  chooseAuthenticationMethod,
  processServerMetadataResponse,
  type ServerMetadata,
  type ServerMetadataOptions,
  serverMetadata,
  serverMetadataRequest,
  serverMetadataResponse,
} from './metadata/server-metadata.ts'
export type { EndpointRequest } from './protocol/form-parameters.ts'
export { TokenEndpointRefusal, type WholeAnswer } from './protocol/json-response.ts'
export { createNameMatcher, type NameMatcher } from './protocol/name-matcher.ts'
export {
  ATTESTATION_FIELDS,
  DEFAULT_MAX_REQUEST_BYTES,
  DEFAULT_MAX_RESPONSE_BYTES,
  GRANT_TYPES,
  JWT_SPIFFE_ASSERTION_TYPE,
  TOKEN_TYPES,
} from './protocol/names.ts'
export { type OAuthError, type OAuthErrorResponseOptions, oauthErrorOf, oauthErrorResponse } from './protocol/oauth-error-response.ts'
export { formatScope, MAX_SCOPE_BYTES, MAX_SCOPE_VALUES, narrowScope, parseScope } from './protocol/scope.ts'
export type { EndpointOptions } from './protocol/uri.ts'
export {
  type ParseRevocationRequestOptions,
  parseRevocationRequest,
  processRevocationResponse,
  type RevocationParameters,
  type RevocationRequestOptions,
  revocationRequest,
} from './revocation/revocation-request.ts'
export {
  DEFAULT_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS,
  MAX_SELF_SIGNED_SUBJECT_LIFETIME_SECONDS,
  type SelfSignedSubjectContents,
  type SelfSigner,
  signSelfSignedSubject,
} from './subject/sign-self-signed-subject.ts'
export {
  type VerifiedSelfSignedSubject,
  type VerifySelfSignedSubjectOptions,
  verifySelfSignedSubject,
} from './subject/verify-self-signed-subject.ts'
