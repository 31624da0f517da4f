export { readWptField } from './authorization-field.ts'
export { hashToken, isContextField, TXN_TOKEN_FIELD } from './bound-tokens.ts'
export {
  type CreateWptOptions,
  createWpt,
  DEFAULT_WPT_LIFETIME_SECONDS,
  MAX_WPT_LIFETIME_SECONDS,
  targetAudience,
} from './create-wpt.ts'
export {
  createWptVerifier,
  DEFAULT_WPT_MAX_LIFETIME_SECONDS,
  type VerifiedWpt,
  verifyWpt,
  type WptVerifier,
  type WptVerifierOptions,
} from './verify-wpt.ts'
