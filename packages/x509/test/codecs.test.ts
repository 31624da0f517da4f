import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { concatOctets, isWimseError } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createCertificateRequest,
  decodeUnverifiedCertificate,
  decodeUnverifiedIdentifier,
  formatIpAddress,
  formatPem,
  generateCertificateKey,
  importCertificateKey,
  issueAuthority,
  issueCertificate,
  jwkOfSpki,
  nameConstraints,
  parseIpAddress,
  parsePem,
  pkcs8OfPrivateJwk,
  privateJwkOfPkcs8,
  spkiOf,
  spkiOfJwk,
  splitDer,
  verifyCertificateRequest,
} from '../src/index.ts'
import { createPki, ORDERS, type Pki, runtime, SHOP, verify, WINDOW } from './pki.ts'

let pki: Pki
let leaf: Uint8Array
beforeAll(async () => {
  pki = await createPki()
  leaf = pki.chain[0] ?? new Uint8Array()
})

const octets = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.type === 'private' ? key.export({ format: 'der', type: 'pkcs8' }) : key.export({ format: 'der', type: 'spki' }))

const foreignKeys = [
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['Ed25519', generateKeyPairSync('ed25519')],
] as const

describe('keys of another implementation', () => {
  it.each(foreignKeys)(
    '%s: PKCS#8 and SubjectPublicKeyInfo are read and written to the octet',
    async (_name, { privateKey, publicKey }) => {
      const spki = octets(publicKey)
      const jwk = privateJwkOfPkcs8(octets(privateKey), spki)
      expect(jwk).toMatchObject(privateKey.export({ format: 'jwk' }))
      expect(spkiOfJwk(jwk)).toEqual(spki)
      expect(spkiOfJwk(jwkOfSpki(spki))).toEqual(spki)
      const again = createPrivateKey({ key: Buffer.from(pkcs8OfPrivateJwk(jwk)), format: 'der', type: 'pkcs8' })
      expect(octets(createPublicKey(again))).toEqual(spki)
      expect((await importCertificateKey(octets(privateKey), { runtime, publicKey: spki })).publicKey).toEqual(spki)
    },
  )

  it('a private key with another public half is refused', async () => {
    for (const [, { privateKey }] of foreignKeys) {
      const other = octets(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
      await expect(async () => importCertificateKey(octets(privateKey), { runtime, publicKey: other })).rejects.toSatisfy(isWimseError)
    }
  })

  it('BCP-3.5-01: RSA under 2048 bits and curves that no profile has are refused', () => {
    const weak = octets(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
    const odd = octets(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)
    for (const spki of [weak, odd]) expect(() => jwkOfSpki(spki)).toThrow(expect.objectContaining({ code: 'ERR_X509_ALGORITHM' }))
  })
})

describe('certificates for another implementation', () => {
  it.each(foreignKeys)('%s: OpenSSL reads and verifies what is issued', async (_name, { privateKey, publicKey }) => {
    const key = await importCertificateKey(octets(privateKey), { runtime, publicKey: octets(publicKey) })
    const constraints = { permitted: { uris: ['shop.example'] } }
    const root = await issueAuthority({
      key,
      trustDomain: SHOP,
      subject: { country: 'DE', commonName: 'root' },
      ...WINDOW,
      pathLength: 2,
      ...constraints,
      runtime,
    })
    const { certificate } = await issueCertificate({
      issuer: root,
      publicKey: octets(publicKey),
      identifier: ORDERS,
      ipAddresses: ['fd00::1'],
      ...WINDOW,
      runtime,
    })
    const [upper, lower] = [new X509Certificate(root.certificate), new X509Certificate(certificate)]
    expect([upper.ca, lower.ca]).toEqual([true, false])
    expect(upper.verify(publicKey) && lower.verify(publicKey) && lower.checkIssued(upper)).toBe(true)
    expect(lower.subjectAltName).toBe(`URI:${ORDERS}, IP Address:FD00:0:0:0:0:0:0:1`)
    expect(Date.parse(lower.validTo) / 1000).toBe(WINDOW.notAfter)
    expect(BigInt(`0x${lower.serialNumber}`)).toBe(BigInt(`0x${decodeUnverifiedCertificate(certificate).serialNumber}`))
    await expect(verify([certificate], [root.certificate])).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('times after 2049 are written in four digits', async () => {
    const far = { notBefore: WINDOW.notBefore, notAfter: Date.UTC(2051, 1, 28, 12, 34, 56) / 1000 }
    const root = await issueAuthority({ key: pki.root.key, subject: { commonName: 'root' }, ...far, runtime })
    expect(decodeUnverifiedCertificate(root.certificate).notAfter).toBe(far.notAfter)
    expect(Date.parse(new X509Certificate(root.certificate).validTo) / 1000).toBe(far.notAfter)
  })
})

describe('certificate requests', () => {
  it('are made and verified, with and without names', async () => {
    const names = { uris: [ORDERS], dnsNames: ['a.example'], ipAddresses: ['10.0.0.1'] }
    const request = await createCertificateRequest(pki.leafKey, { subject: { commonName: 'x' }, ...names })
    expect(await verifyCertificateRequest(request, runtime)).toEqual({ publicKey: pki.leafKey.publicKey, ...names })
    const bare = await createCertificateRequest(pki.leafKey)
    expect(await verifyCertificateRequest(bare, runtime)).toMatchObject({ publicKey: pki.leafKey.publicKey, uris: [] })
  })

  it('are refused with the public key of someone else', async () => {
    const other = await generateCertificateKey('ES256', runtime)
    const request = await createCertificateRequest({ ...pki.leafKey, publicKey: other.publicKey })
    await expect(verifyCertificateRequest(request, runtime)).rejects.toMatchObject({ code: 'ERR_X509_SIGNATURE' })
  })
})

describe('forms', () => {
  it('DER that is concatenated is split', () => {
    expect(splitDer(concatOctets([leaf, pki.root.certificate]))).toEqual([leaf, pki.root.certificate])
    expect(splitDer(new Uint8Array())).toEqual([])
    expect(() => splitDer(Uint8Array.of(0x30, 0x81, 2, 5, 0))).toThrow(expect.objectContaining({ code: 'ERR_X509_MALFORMED' }))
    for (const bad of [leaf.subarray(1), leaf.subarray(0, -1), concatOctets([leaf, Uint8Array.of(0)])]) {
      expect(() => splitDer(bad)).toThrow(expect.objectContaining({ code: 'ERR_X509_MALFORMED' }))
    }
  })

  it('PEM is what OpenSSL writes, and is read back', () => {
    const text = formatPem('CERTIFICATE', leaf)
    expect(text).toBe(new X509Certificate(leaf).toString())
    const mixed = `comment\n${text}${formatPem('PRIVATE KEY', pki.leafKey.privateKey)}${text.replaceAll('\n', '\r\n')}`
    expect(parsePem('CERTIFICATE', mixed)).toEqual([leaf, leaf])
    expect(parsePem('PRIVATE KEY', mixed)).toEqual([pki.leafKey.privateKey])
    expect(parsePem('PUBLIC KEY', mixed)).toEqual([])
    for (const bad of [text.slice(0, -8), text.replace('M', '!'), text.replace('M', '-')]) {
      expect(() => parsePem('CERTIFICATE', bad)).toThrow(expect.objectContaining({ code: 'ERR_X509_MALFORMED' }))
    }
  })

  it('what a certificate claims is read for diagnosis', () => {
    expect(decodeUnverifiedIdentifier(leaf)).toBe(ORDERS)
    expect(spkiOf(leaf)).toEqual(pki.leafKey.publicKey)
  })

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:1:0:0:0', '2001:db8:0:0:1::'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ])('IP address %s', (text, canonical) => {
    expect(formatIpAddress(parseIpAddress(text) ?? new Uint8Array())).toBe(canonical)
  })

  it.each(['', '10.0.0', '10.0.0.256', '1::2::3', '1:2:3', 'shop.example', ':::', '12345::'])('%j is no IP address', (text) => {
    expect(parseIpAddress(text)).toBeUndefined()
  })

  it('DER in another form than the one is refused', () => {
    const indefinite = concatOctets([Uint8Array.of(0x30, 0x80), leaf.subarray(4), Uint8Array.of(0, 0)])
    const longLength = concatOctets([Uint8Array.of(0x30, 0x83, 0), leaf.subarray(2)])
    for (const bad of [indefinite, longLength, concatOctets([leaf, Uint8Array.of(0)]), new Uint8Array()]) {
      expect(() => decodeUnverifiedCertificate(bad)).toThrow(expect.objectContaining({ code: 'ERR_X509_MALFORMED' }))
    }
    expect(() => decodeUnverifiedCertificate(leaf, leaf.length - 1)).toThrow(expect.objectContaining({ code: 'ERR_X509_MALFORMED' }))
  })

  it('name constraints are written as they are read', async () => {
    const root = await issueAuthority({
      key: pki.root.key,
      subject: { commonName: 'x' },
      ...WINDOW,
      excluded: { dnsNames: ['a'] },
      runtime,
    })
    expect(decodeUnverifiedCertificate(root.certificate).extensions.nameConstraints?.excluded.map(({ text }) => text)).toEqual(['a'])
    expect(nameConstraints({ permitted: { uris: ['a'] } }).critical).toBe(true)
  })
})
