import { concatOctets, formatBase64url, type JsonObject, parseBase64url, WimseError, withCode } from '@wimse/core'
import { DER, fieldsOf, malformed, readDer } from '../der/read-der.ts'
import { formatHex, parseHex, readOctetsOfBitString, readUnsigned } from '../der/read-values.ts'
import { derBitString, derSequence, derUnsigned } from '../der/write-der.ts'

/** A public key of a kind that certificates may hold here, with JWK members. */
export type CertificatePublicKey =
  | { readonly kty: 'EC'; readonly crv: 'P-256' | 'P-384' | 'P-521'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

/** Smallest and largest RSA modulus in bits. */
const RSA_BITS = { min: 2048, max: 8192 }

interface KeyKind {
  /** The AlgorithmIdentifier in DER. */
  readonly algorithm: string
  readonly kty: CertificatePublicKey['kty']
  readonly crv?: string
  readonly coordinateBytes: number
}

/** The kinds of keys, told apart by the octets of their AlgorithmIdentifier. */
export const keyKinds: readonly KeyKind[] = [
  { algorithm: '301306072a8648ce3d020106082a8648ce3d030107', kty: 'EC', crv: 'P-256', coordinateBytes: 32 },
  { algorithm: '301006072a8648ce3d020106052b81040022', kty: 'EC', crv: 'P-384', coordinateBytes: 48 },
  { algorithm: '301006072a8648ce3d020106052b81040023', kty: 'EC', crv: 'P-521', coordinateBytes: 66 },
  { algorithm: '300d06092a864886f70d0101010500', kty: 'RSA', coordinateBytes: 0 },
  { algorithm: '300506032b6570', kty: 'OKP', crv: 'Ed25519', coordinateBytes: 32 },
]

/** The kind of an AlgorithmIdentifier. @throws WimseError `ERR_X509_ALGORITHM` */
export function keyKindOf(algorithm: Uint8Array): KeyKind {
  const hex = formatHex(algorithm)
  const kind = keyKinds.find((known) => known.algorithm === hex)
  if (kind === undefined) throw new WimseError('ERR_X509_ALGORITHM', { detail: 'kind of public key' })
  return kind
}

/**
 * Reads a SubjectPublicKeyInfo: P-256, P-384 and P-521 as uncompressed points, Ed25519, RSA of 2048 to 8192 bits with an odd public
 * exponent of at most four octets. That a point lies on its curve is checked by the engine that imports the key.
 *
 * @throws WimseError `ERR_X509_MALFORMED`, `ERR_X509_ALGORITHM`
 */
export function jwkOfSpki(spki: Uint8Array): CertificatePublicKey {
  const fields = fieldsOf(readDer(spki, DER.sequence))
  const kind = keyKindOf(fields.next(DER.sequence).raw)
  const key = readOctetsOfBitString(fields.next(DER.bitString))
  fields.end()
  return jwkOfRawKey(kind, key)
}

/** The public key of a kind whose octets are those of the BIT STRING of SubjectPublicKeyInfo. */
export function jwkOfRawKey(kind: KeyKind, key: Uint8Array): CertificatePublicKey {
  const { crv, coordinateBytes } = kind
  if (kind.kty === 'RSA') return rsaKey(key)
  if (kind.kty === 'OKP') {
    if (key.length !== coordinateBytes) return malformed('length of a public key')
    return { kty: 'OKP', crv: 'Ed25519', x: formatBase64url(key) }
  }
  if (key.length !== 1 + 2 * coordinateBytes || key[0] !== 4) return malformed('point of a public key')
  const x = formatBase64url(key.subarray(1, 1 + coordinateBytes))
  return { kty: 'EC', crv: crv as 'P-256', x, y: formatBase64url(key.subarray(1 + coordinateBytes)) }
}

function rsaKey(octets: Uint8Array): CertificatePublicKey {
  const fields = fieldsOf(readDer(octets, DER.sequence))
  const n = readUnsigned(fields.next(DER.integer))
  const e = readUnsigned(fields.next(DER.integer))
  fields.end()
  const bits = n.length * 8 - (Math.clz32(n[0] ?? 0) - 24)
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) throw new WimseError('ERR_X509_ALGORITHM', { detail: 'size of an RSA key' })
  if (e.length > 4 || ((e.at(-1) ?? 0) & 1) === 0 || (e.length === 1 && (e[0] ?? 0) < 3)) {
    throw new WimseError('ERR_X509_ALGORITHM', { detail: 'RSA exponent' })
  }
  return { kty: 'RSA', n: formatBase64url(n), e: formatBase64url(e) }
}

/**
 * The SubjectPublicKeyInfo of a public JWK; private and other members are passed over.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_ALGORITHM`
 */
export function spkiOfJwk(jwk: JsonObject | CertificatePublicKey | Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  const members = jwk as Readonly<Record<string, unknown>>
  const kind = keyKinds.find(({ kty, crv }) => kty === members['kty'] && (crv === undefined || crv === members['crv']))
  if (kind === undefined) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'kind of key' })
  const algorithm = parseHex(kind.algorithm)
  if (kind.kty === 'RSA') {
    return derSequence(algorithm, derBitString(derSequence(derUnsigned(octetsOf(members['n'])), derUnsigned(octetsOf(members['e'])))))
  }
  const x = octetsOf(members['x'], kind.coordinateBytes)
  if (kind.kty === 'OKP') return derSequence(algorithm, derBitString(x))
  return derSequence(algorithm, derBitString(concatOctets([Uint8Array.of(4), x, octetsOf(members['y'], kind.coordinateBytes)])))
}

/** The octets of a JWK member. @throws WimseError `ERR_KEY_MALFORMED` */
export function octetsOf(member: unknown, length?: number): Uint8Array<ArrayBuffer> {
  if (typeof member !== 'string' || member === '') throw new WimseError('ERR_KEY_MALFORMED', { detail: 'a member is missing' })
  const octets = withCode('ERR_KEY_MALFORMED', () => parseBase64url(member))
  if (length !== undefined && octets.length !== length) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'length of a member' })
  return octets
}
