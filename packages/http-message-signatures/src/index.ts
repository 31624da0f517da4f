export { formatAcceptSignature, parseAcceptSignature, type SignatureWish, type SignatureWishInput } from './accept-signature.ts'
export { type ComponentIdentifier, checkIdentifier, component } from './component/component-identifier.ts'
export { DEFAULT_STRUCTURED_FIELDS, type StructuredFieldType, type StructuredFieldTypes } from './component/structured-field-value.ts'
export {
  type CreateContentDigestOptions,
  checkContentDigest,
  createContentDigest,
  DIGEST_ALGORITHMS,
  type DigestRuntime,
  parseContentDigest,
  type VerifyContentDigestOptions,
  verifyContentDigest,
} from './digest/content-digest.ts'
export { type GrantSignatureWishOptions, grantSignatureWish } from './grant-signature-wish.ts'
export { DEFAULT_SIGNATURE_LIMITS, type ParsedSignature, parseSignatures, type SignatureLimits } from './parse-signatures.ts'
export { type MessageSignature, type MessageSigner, type SignMessageOptions, signMessage } from './sign-message.ts'
export { createSignatureBase, type SignatureContext } from './signature-base.ts'
export { readSignatureParameters, type SignatureParameters } from './signature-parameters.ts'
export type { OpaqueItem, Parameters, ParameterValue } from './structured/parameter-value.ts'
export {
  DEFAULT_CLOCK_TOLERANCE_SECONDS,
  type MessageVerifier,
  type MessageVerifierLookup,
  type VerifiedSignature,
  type VerifyMessageOptions,
  verifyMessage,
  verifySignatureBase,
} from './verify-message.ts'
