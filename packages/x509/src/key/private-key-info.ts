import { concatOctets, formatBase64url, isWimseError, recode, sameOctets, WimseError } from '@wimse/core'
import { constructedContext, context, DER, type DerFields, fieldsOf, readDer } from '../der/read-der.ts'
import { formatHex, parseHex, readOctetsOfBitString, readSmallInteger, readUnsigned } from '../der/read-values.ts'
import { der, derBitString, derInteger, derOctetString, derSequence, derUnsigned } from '../der/write-der.ts'
import { jwkOfRawKey, jwkOfSpki, keyKindOf, keyKinds, octetsOf } from './public-key-info.ts'

const RSA_MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const

/**
 * Reads an unencrypted PKCS#8 private key (RFC 5958) as a private JWK. The public half is taken from the key, or from `publicKey`
 * (SubjectPublicKeyInfo in DER, as in the certificate that the key belongs to) where PKCS#8 carries none, as is usual for Ed25519;
 * where both are there they have to be the same.
 *
 * Not checked: that the private half fits the public one; `importCertificateKey` does that.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`
 */
export function privateJwkOfPkcs8(pkcs8: Uint8Array, publicKey?: Uint8Array): Readonly<Record<string, string>> {
  try {
    const fields = fieldsOf(readDer(pkcs8, DER.sequence))
    if (readSmallInteger(fields.next(DER.integer)) > 1) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'version of PKCS#8' })
    const algorithm = fields.next(DER.sequence).raw
    const secret = fields.next(DER.octetString).content
    fields.optional(constructedContext(0))
    const attached = fields.optional(context(1))?.content.subarray(1)
    fields.end()
    const kind = keyKindOf(algorithm)
    if (kind.kty === 'RSA') return rsaPrivateKey(fieldsOf(readDer(secret, DER.sequence)), publicKey)
    if (kind.kty === 'OKP') {
      const d = readDer(secret, DER.octetString).content
      return { ...publicHalf(formatHex(algorithm), attached, publicKey), d: formatBase64url(exactly(d, kind.coordinateBytes)) }
    }
    const ec = fieldsOf(readDer(secret, DER.sequence))
    ec.next(DER.integer)
    const d = ec.next(DER.octetString).content
    ec.optional(constructedContext(0))
    const tagged = ec.optional(constructedContext(1))
    const point = tagged === undefined ? attached : readOctetsOfBitString(readDer(tagged.content, DER.bitString))
    return { ...publicHalf(formatHex(algorithm), point, publicKey), d: formatBase64url(exactly(d, kind.coordinateBytes)) }
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_KEY_MALFORMED', error) : error
  }
}

function exactly(octets: Uint8Array, length: number): Uint8Array {
  if (octets.length !== length) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'length of a private key' })
  return octets
}

function publicHalf(algorithm: string, raw: Uint8Array | undefined, spki: Uint8Array | undefined): Readonly<Record<string, string>> {
  if (raw === undefined && spki === undefined) throw new WimseError('ERR_KEY_MALFORMED', { detail: 'the public half is missing' })
  if (raw === undefined) return jwkOfSpki(spki ?? new Uint8Array())
  if (spki !== undefined && !sameOctets(spki, derSequence(parseHex(algorithm), derBitString(raw)))) {
    throw new WimseError('ERR_KEY_MALFORMED', { detail: 'another public key' })
  }
  return jwkOfRawKey(keyKindOf(parseHex(algorithm)), raw)
}

function rsaPrivateKey(fields: DerFields, spki: Uint8Array | undefined): Readonly<Record<string, string>> {
  fields.next(DER.integer)
  const jwk: Record<string, string> = { kty: 'RSA' }
  for (const member of RSA_MEMBERS) jwk[member] = formatBase64url(readUnsigned(fields.next(DER.integer)))
  if (spki !== undefined) {
    const expected = jwkOfSpki(spki)
    if (expected.kty !== 'RSA' || expected.n !== jwk['n'] || expected.e !== jwk['e']) {
      throw new WimseError('ERR_KEY_MALFORMED', { detail: 'another public key' })
    }
  }
  return jwk
}

/**
 * The PKCS#8 form of a private JWK, as TLS stacks take it.
 *
 * @throws WimseError `ERR_KEY_MALFORMED`, `ERR_KEY_ALGORITHM`
 */
export function pkcs8OfPrivateJwk(jwk: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  const kind = keyKinds.find(({ kty, crv }) => kty === jwk['kty'] && (crv === undefined || crv === jwk['crv']))
  if (kind === undefined) throw new WimseError('ERR_KEY_ALGORITHM', { detail: 'kind of key' })
  const { coordinateBytes } = kind
  const secret =
    kind.kty === 'RSA'
      ? derSequence(derInteger(0), ...RSA_MEMBERS.map((member) => derUnsigned(octetsOf(jwk[member]))))
      : kind.kty === 'OKP'
        ? derOctetString(octetsOf(jwk['d'], coordinateBytes))
        : derSequence(
            derInteger(1),
            derOctetString(octetsOf(jwk['d'], coordinateBytes)),
            der(constructedContext(1), derBitString(uncompressedPoint(jwk, coordinateBytes))),
          )
  return derSequence(derInteger(0), parseHex(kind.algorithm), derOctetString(secret))
}

function uncompressedPoint(jwk: Readonly<Record<string, unknown>>, bytes: number): Uint8Array {
  return concatOctets([Uint8Array.of(4), octetsOf(jwk['x'], bytes), octetsOf(jwk['y'], bytes)])
}
