export {
  assertBoundTransactionToken,
  type BindingHttpSignature,
  type BindingWpt,
  type BoundTransactionToken,
  bindTransactionToken,
  type OtherProof,
  type TransactionTokenProof,
} from './bind-transaction-token.ts'
export { issueTransaction, issueTransactionToken, type TransactionGrant } from './issue-transaction-token.ts'
export {
  DEFAULT_MAX_TOKEN_SERVICE_KEYS,
  parseTokenServiceKeys,
  type TokenServiceKeysOptions,
} from './keys/parse-token-service-keys.ts'
export { staticTokenServiceKeys } from './keys/static-token-service-keys.ts'
export {
  DEFAULT_KEYS_COOLDOWN_SECONDS,
  DEFAULT_KEYS_MAX_AGE_SECONDS,
  DEFAULT_KEYS_MAX_BYTES,
  DEFAULT_KEYS_POLL_SECONDS,
  DEFAULT_KEYS_TIMEOUT_MS,
  type TokenServiceEndpointKeys,
  type TokenServiceEndpointOptions,
  tokenServiceEndpointKeys,
} from './keys/token-service-endpoint-keys.ts'
export type { TransactionTokenKeys } from './keys/transaction-token-keys.ts'
export { atMost, type NarrowingRule, subsetOf } from './narrowing.ts'
export {
  DEFAULT_MAX_REQUESTING_WORKLOADS,
  issueReplacement,
  type ReplaceTransactionTokenOptions,
  replaceTransactionToken,
  type TransactionReplacement,
} from './replace-transaction-token.ts'
export { formatScope, parseScope } from './scope.ts'
export {
  DEFAULT_ISSUED_TRANSACTION_TOKEN_LIFETIME_SECONDS,
  DEFAULT_ISSUED_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS,
  type IssuedTransaction,
  type TokenServiceOptions,
} from './sign-transaction-token.ts'
export { readOptionalTransactionTokenField, readTransactionTokenField, TRANSACTION_TOKEN_FIELD } from './transaction-token-field.ts'
export { assertVerifiedTransactionToken, type VerifiedTransactionToken } from './verified-transaction-token.ts'
export {
  createTransactionTokenVerifier,
  DEFAULT_TRANSACTION_TOKEN_CACHE_SIZE,
  DEFAULT_TRANSACTION_TOKEN_MAX_LIFETIME_SECONDS,
  MAX_TRANSACTION_TOKEN_CLOCK_TOLERANCE_SECONDS,
  type TransactionTokenVerifier,
  type VerifyTransactionTokenOptions,
  verifyTransactionToken,
} from './verify-transaction-token.ts'
export {
  type CarriedTransaction,
  viewWithTransactionToken,
  type WithTransactionTokenOptions,
  withTransactionToken,
} from './with-transaction-token.ts'
