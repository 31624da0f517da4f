import { WimseError } from '@wimse/core'
import { DER, fieldsOf, malformed, readDer } from '../der/read-der.ts'
import { formatHex, parseHex, readUnsigned } from '../der/read-values.ts'
import { derBitString, derSequence, derUnsigned } from '../der/write-der.ts'
import type { CertificatePublicKey } from '../key/public-key-info.ts'

/** The algorithms that sign certificates here, under their JWS names: no SHA-1, no MD5, no RSA under 2048 bits, ECDSA only with the hash of its curve. */
export type CertificateAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'Ed25519'

const PSS_HASH = (hash: string): string => `300d060960864801650304020${hash}0500`
const PSS = (hash: string, salt: string): string =>
  `304106092a864886f70d01010a3034a00f${PSS_HASH(hash)}a11c301a06092a864886f70d010108${PSS_HASH(hash)}a2030201${salt}`

/** AlgorithmIdentifiers in DER: an algorithm with other parameters is another algorithm. */
const identifiers: Readonly<Record<CertificateAlgorithm, string>> = {
  ES256: '300a06082a8648ce3d040302',
  ES384: '300a06082a8648ce3d040303',
  ES512: '300a06082a8648ce3d040304',
  RS256: '300d06092a864886f70d01010b0500',
  RS384: '300d06092a864886f70d01010c0500',
  RS512: '300d06092a864886f70d01010d0500',
  PS256: PSS('1', '20'),
  PS384: PSS('2', '30'),
  PS512: PSS('3', '40'),
  Ed25519: '300506032b6570',
}

const algorithms: ReadonlyMap<string, CertificateAlgorithm> = /* @__PURE__ */ new Map(
  (Object.keys(identifiers) as CertificateAlgorithm[]).map((name) => [identifiers[name], name]),
)

const CURVE_ALGORITHMS = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' } as const
const COORDINATE_BYTES = { ES256: 32, ES384: 48, ES512: 66 } as const

/** The AlgorithmIdentifier of an algorithm in DER. @throws WimseError `ERR_X509_ALGORITHM` for another name */
export function algorithmIdentifier(algorithm: string): Uint8Array<ArrayBuffer> {
  if (!Object.hasOwn(identifiers, algorithm)) throw new WimseError('ERR_X509_ALGORITHM', { detail: 'name of the algorithm' })
  return parseHex(identifiers[algorithm as CertificateAlgorithm])
}

/**
 * The algorithm that an AlgorithmIdentifier names, if it is one of {@link CertificateAlgorithm} and the issuer's key is of its kind.
 *
 * @throws WimseError `ERR_X509_ALGORITHM`
 */
export function algorithmFor(identifier: Uint8Array, key: CertificatePublicKey): CertificateAlgorithm {
  const algorithm = algorithms.get(formatHex(identifier))
  if (algorithm === undefined) throw new WimseError('ERR_X509_ALGORITHM', { detail: 'signature algorithm' })
  const fits =
    key.kty === 'EC' ? CURVE_ALGORITHMS[key.crv] === algorithm : key.kty === 'OKP' ? algorithm === 'Ed25519' : /^[RP]S/.test(algorithm)
  if (!fits) throw new WimseError('ERR_X509_ALGORITHM', { detail: 'signature algorithm does not fit the key of the issuer' })
  return algorithm
}

/** The algorithm that a key signs certificates with where there is a choice: for RSA the one that everyone verifies. */
export function defaultAlgorithm(key: CertificatePublicKey): CertificateAlgorithm {
  return key.kty === 'EC' ? CURVE_ALGORITHMS[key.crv] : key.kty === 'OKP' ? 'Ed25519' : 'RS256'
}

/** The signature as an engine takes it: ECDSA-Sig-Value becomes the concatenation of fixed length. @throws WimseError `ERR_X509_MALFORMED` */
export function engineSignature(algorithm: CertificateAlgorithm, signature: Uint8Array): Uint8Array {
  if (!(algorithm in COORDINATE_BYTES)) return signature
  const bytes = COORDINATE_BYTES[algorithm as 'ES256']
  const fields = fieldsOf(readDer(signature, DER.sequence))
  const joined = new Uint8Array(2 * bytes)
  for (const end of [bytes, 2 * bytes]) {
    const part = readUnsigned(fields.next(DER.integer))
    if (part.length > bytes) return malformed('signature value')
    joined.set(part, end - part.length)
  }
  fields.end()
  return joined
}

/** The signature as certificates carry it; the reverse of {@link engineSignature}. */
export function certificateSignature(algorithm: CertificateAlgorithm, signature: Uint8Array): Uint8Array {
  if (!(algorithm in COORDINATE_BYTES)) return signature
  const bytes = COORDINATE_BYTES[algorithm as 'ES256']
  return derSequence(derUnsigned(signature.subarray(0, bytes)), derUnsigned(signature.subarray(bytes)))
}

/** A signed structure of X.509 (RFC 5280 section 4.1.1): content, AlgorithmIdentifier, signature. */
export function signedStructure(content: Uint8Array, identifier: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  return derSequence(content, identifier, derBitString(signature))
}
