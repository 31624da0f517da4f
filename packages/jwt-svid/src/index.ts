export { type IssueJwtSvidOptions, issueJwtSvid, type JwtSvidGrant } from './issue-jwt-svid.ts'
export {
  DEFAULT_JWT_SVID_CLOCK_TOLERANCE_SECONDS,
  DEFAULT_JWT_SVID_MAX_LIFETIME_SECONDS,
  readBearerField,
  type VerifiedJwtSvid,
  type VerifyJwtSvidOptions,
  verifyJwtSvid,
} from './verify-jwt-svid.ts'
