export {
  DEFAULT_MAX_CERTIFICATE_BYTES,
  decodeUnverifiedCertificate,
  decodeUnverifiedIdentifier,
  spkiOf,
  type UnverifiedCertificate,
} from './certificate/decode-certificate.ts'
export { type CertificateExtensions, KEY_USAGE, OID } from './certificate/extensions.ts'
export { formatIpAddress, type GeneralName, type GeneralNameType, parseIpAddress } from './certificate/general-names.ts'
export type { CertificateProfile } from './certificate/leaf-identifier.ts'
export type { CertificateAlgorithm } from './certificate/signature-algorithm.ts'
export { splitDer } from './der/read-der.ts'
export {
  createCertificateRequest,
  type VerifiedCertificateRequest,
  verifyCertificateRequest,
} from './issue/certificate-request.ts'
export { type CertificateFields, encodeCertificate } from './issue/encode-certificate.ts'
export {
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateExtension,
  type ExtendedKeyUsageName,
  extendedKeyUsage,
  type KeyUsageName,
  keyUsage,
  nameConstraints,
  type SubjectNames,
  subjectAltName,
  subjectKeyIdentifier,
} from './issue/encode-extensions.ts'
export { type DistinguishedName, encodeName } from './issue/encode-name.ts'
export { type CertificateAuthority, type IssueAuthorityOptions, issueAuthority } from './issue/issue-authority.ts'
export { type IssueCertificateOptions, type IssuedCertificate, issueCertificate } from './issue/issue-certificate.ts'
export {
  type CertificateKey,
  type GeneratedCertificateKey,
  generateCertificateKey,
  type ImportCertificateKeyOptions,
  importCertificateKey,
} from './key/certificate-key.ts'
export { pkcs8OfPrivateJwk, privateJwkOfPkcs8 } from './key/private-key-info.ts'
export { type CertificatePublicKey, jwkOfSpki, spkiOfJwk } from './key/public-key-info.ts'
export type { CertificatePurpose } from './path/check-path.ts'
export {
  DEFAULT_MAX_DEPTH,
  isVerifiedCertificate,
  type VerifiedCertificate,
  type VerifyX509SvidOptions,
  verifyX509Svid,
} from './path/verify-x509-svid.ts'
export { formatPem, type PemLabel, parsePem } from './pem.ts'
