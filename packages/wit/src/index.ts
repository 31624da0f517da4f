export { DEFAULT_ISSUED_WIT_MAX_LIFETIME_SECONDS, type IssueWitOptions, issueWit, type WitGrant } from './issue-wit.ts'
export { assertVerifiedWit, type VerifiedWit } from './verified-wit.ts'
export {
  createWitVerifier,
  DEFAULT_CLOCK_TOLERANCE_SECONDS,
  DEFAULT_WIT_CACHE_SIZE,
  DEFAULT_WIT_MAX_LIFETIME_SECONDS,
  MAX_CLOCK_TOLERANCE_SECONDS,
  type VerifyWitOptions,
  verifyWit,
  type WitMoment,
  type WitVerifier,
} from './verify-wit.ts'
export { assertLiveCredential, createWitCredential, type WitCredential } from './wit-credential.ts'
export { readWitField, WIT_FIELD } from './wit-field.ts'
export { type WitProfile, type WitProfileName, witProfiles } from './wit-profile.ts'
