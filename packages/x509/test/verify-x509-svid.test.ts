import { type ErrorCode, parseWorkloadIdentifier } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateAuthority,
  encodeName,
  extendedKeyUsage,
  generateCertificateKey,
  issueAuthority,
  issueCertificate,
  isVerifiedCertificate,
  keyUsage,
  nameConstraints,
  subjectAltName,
  type VerifyX509SvidOptions,
} from '../src/index.ts'
import { authorityOf, BANK, createPki, type LeafParts, leafOf, NOW, ORDERS, type Pki, runtime, SHOP, verify, WINDOW } from './pki.ts'

let pki: Pki
let roots: readonly Uint8Array[]
beforeAll(async () => {
  pki = await createPki()
  roots = [pki.root.certificate]
})

type Parts = Partial<Omit<LeafParts, 'issuer' | 'publicKey'>>
const leaf = (parts: Parts = {}, issuer: CertificateAuthority = pki.root): Promise<Uint8Array> =>
  leafOf({ issuer, publicKey: pki.leafKey.publicKey, ...parts })
const uris = (...names: readonly string[]) => subjectAltName({ uris: names }, true)
const CN = encodeName({ commonName: 'spiffe://shop.example/orders' })

describe('a leaf that is accepted', () => {
  const cases: readonly (readonly [title: string, parts: Parts, options?: Partial<VerifyX509SvidOptions>])[] = [
    ['XSVID-2-01, XSVID-2-02, XSVID-A-01: one URI name', {}],
    [
      'XSVID-2-04, CRED-6.1-05: names of other types beside it',
      {
        names: subjectAltName(
          { uris: [ORDERS], dnsNames: ['a.shop.example', 'b.shop.example'], ipAddresses: ['10.0.0.1', 'fd00::1'] },
          true,
        ),
      },
    ],
    [
      'XSVID-3.1-03, XSVID-3.1-04: a subject, and names that are not critical',
      { subject: CN, names: subjectAltName({ uris: [ORDERS] }, false) },
    ],
    ['XSVID-4.1-03, XSVID-5.2-02: no basic constraints at all', { constraints: undefined }],
    ['XSVID-4.3-06, XSVID-A-07, XSVID-A-08: more key usages', { usage: keyUsage(['digitalSignature', 'keyEncipherment', 'keyAgreement']) }],
    ['XSVID-4.4-01: no extended key usage', { purposes: undefined }],
    ['XSVID-4.4-02: critical extended key usage', { purposes: extendedKeyUsage(['serverAuth', 'clientAuth'], true) }],
    ['XSVID-5.1-01: the last second', {}, { at: WINDOW.notAfter + 0.9 }],
    ['XSVID-5.1-01: the first second', {}, { at: WINDOW.notBefore }],
    ['clock tolerance', {}, { at: WINDOW.notAfter + 20, clockToleranceSeconds: 30 }],
    ['CRED-6.1-01: WIC, spiffe scheme', {}, { profile: 'wic' }],
    ['MTLS-3.1-01: WIC, wimse scheme', { names: uris('wimse://shop.example/orders') }, { profile: 'wic' }],
    ['MTLS-3.2-06: WIC of a client with clientAuth alone', { purposes: extendedKeyUsage(['clientAuth']) }, { profile: 'wic' }],
    [
      'MTLS-3.2-05: WIC of a server with serverAuth alone',
      { purposes: extendedKeyUsage(['serverAuth']) },
      { profile: 'wic', purpose: 'server' },
    ],
    ['MTLS-3.2-07: WIC with both, as a server', {}, { profile: 'wic', purpose: 'server' }],
    ['WIC whose key usage is not critical', { usage: keyUsage(['digitalSignature'], false) }, { profile: 'wic' }],
    ['an unknown extension that is not critical', { more: [{ oid: '1.3.6.1.4.1.99999.1', critical: false, value: Uint8Array.of(5, 0) }] }],
  ]
  for (const [title, parts, options] of cases) {
    it(title, async () => {
      const result = await verify([await leaf(parts)], roots, options)
      expect(isVerifiedCertificate(result)).toBe(true)
      expect(result.trustDomain).toBe(SHOP)
      expect(result.identifier).toMatch(/:\/\/shop\.example\/orders$/)
    })
  }

  it('CRED-6.1-06, XSVID-4.2-03: tells names, times, serial number, path and anchor apart', async () => {
    const names = subjectAltName({ uris: [ORDERS], dnsNames: ['orders.shop.example'], ipAddresses: ['10.0.0.1', '2001:db8::1'] }, true)
    const der = await leaf({ names })
    const result = await verify([der, pki.root.certificate], roots)
    expect(result).toMatchObject({
      identifier: ORDERS,
      ...WINDOW,
      pathNotAfter: WINDOW.notAfter,
      dnsNames: ['orders.shop.example'],
      ipAddresses: ['10.0.0.1', '2001:db8::1'],
      publicKey: pki.leafKey.publicKey,
      chain: [der],
    })
    expect(result.anchorSha256).toMatch(/^[0-9a-f]{64}$/)
    expect(isVerifiedCertificate({ ...result })).toBe(false)
  })
})

describe('a leaf with one fault is refused', () => {
  const cases: readonly (readonly [title: string, code: ErrorCode, parts: Parts, options?: Partial<VerifyX509SvidOptions>])[] = [
    [
      'XSVID-2-01, CRED-6.1-02, MTLS-3.3-01: the identifier only in the subject',
      'ERR_X509_URI_SAN_COUNT',
      { subject: CN, names: undefined },
    ],
    ['XSVID-2-02, MTLS-3.1-01: DNS names only', 'ERR_X509_URI_SAN_COUNT', { names: subjectAltName({ dnsNames: ['shop.example'] }, true) }],
    [
      'XSVID-2-03, XSVID-5.2-07, CRED-6.1-03: two identifiers',
      'ERR_X509_URI_SAN_COUNT',
      { names: uris(ORDERS, 'spiffe://shop.example/b') },
    ],
    ['XSVID-2-03, MTLS-3.3-03: the identifier twice', 'ERR_X509_URI_SAN_COUNT', { names: uris(ORDERS, ORDERS) }],
    ['XSVID-2-03: a second URI of another kind', 'ERR_X509_URI_SAN_COUNT', { names: uris(ORDERS, 'https://shop.example/') }],
    ['XSVID-5.2-05: an https URI', 'ERR_X509_IDENTIFIER', { names: uris('https://shop.example/orders') }],
    ['XSVID-5.2-05: a wimse identifier in an X509-SVID', 'ERR_X509_IDENTIFIER', { names: uris('wimse://shop.example/orders') }],
    ['XSVID-3.1-02, XSVID-5.2-06: no path', 'ERR_X509_IDENTIFIER', { names: uris('spiffe://shop.example') }],
    ['XSVID-3.1-02, XSVID-5.2-06: an empty path', 'ERR_X509_IDENTIFIER', { names: uris('spiffe://shop.example/') }],
    ['MTLS-5-03, MTLS-5-08: not canonical', 'ERR_X509_IDENTIFIER', { names: uris('spiffe://Shop.example/orders') }],
    ['XSVID-3.1-04: empty subject, names not critical', 'ERR_X509_SAN_NOT_CRITICAL', { names: subjectAltName({ uris: [ORDERS] }, false) }],
    [
      'XSVID-3.1-01, XSVID-3.2-05, XSVID-4.1-03, XSVID-5.2-02, XSVID-A-02: cA true',
      'ERR_X509_LEAF_CA',
      { constraints: basicConstraints(true), usage: keyUsage(['digitalSignature', 'keyCertSign']) },
    ],
    ['XSVID-4.3-01: no key usage', 'ERR_X509_KEY_USAGE', { usage: undefined }],
    ['XSVID-4.3-02: key usage not critical', 'ERR_X509_KEY_USAGE', { usage: keyUsage(['digitalSignature'], false) }],
    ['XSVID-4.3-05, XSVID-A-09: no digitalSignature', 'ERR_X509_LEAF_KEY_USAGE', { usage: keyUsage(['keyEncipherment']) }],
    ['WIC without key usage', 'ERR_X509_LEAF_KEY_USAGE', { usage: undefined }, { profile: 'wic' }],
    [
      'XSVID-4.3-07, XSVID-5.2-03, XSVID-A-05: keyCertSign',
      'ERR_X509_LEAF_KEY_USAGE',
      { usage: keyUsage(['digitalSignature', 'keyCertSign']) },
    ],
    ['XSVID-4.3-08, XSVID-5.2-04, XSVID-A-06: cRLSign', 'ERR_X509_LEAF_KEY_USAGE', { usage: keyUsage(['digitalSignature', 'cRLSign']) }],
    ['XSVID-4.4-03: serverAuth alone', 'ERR_X509_EXTENDED_KEY_USAGE', { purposes: extendedKeyUsage(['serverAuth']) }],
    ['XSVID-4.4-03: clientAuth alone', 'ERR_X509_EXTENDED_KEY_USAGE', { purposes: extendedKeyUsage(['clientAuth']) }],
    [
      'MTLS-3.2-06, MTLS-5-02: WIC of a client without clientAuth',
      'ERR_X509_EXTENDED_KEY_USAGE',
      { purposes: extendedKeyUsage(['serverAuth']) },
      { profile: 'wic' },
    ],
    [
      'MTLS-3.2-05, MTLS-5-02: WIC of a server without serverAuth',
      'ERR_X509_EXTENDED_KEY_USAGE',
      { purposes: extendedKeyUsage(['clientAuth']) },
      { profile: 'wic', purpose: 'server' },
    ],
    ['XSVID-5.1-01, MTLS-3.2-02: expired', 'ERR_X509_EXPIRED', { notAfter: NOW - 1 }],
    ['XSVID-5.1-01, MTLS-3.2-02: not yet valid', 'ERR_X509_NOT_YET_VALID', { notBefore: NOW + 1 }],
    [
      'XSVID-5.1-01: an unknown critical extension',
      'ERR_X509_CRITICAL_EXTENSION',
      { more: [{ oid: '1.3.6.1.4.1.99999.1', critical: true, value: Uint8Array.of(5, 0) }] },
    ],
    ['an extension twice', 'ERR_X509_MALFORMED', { more: [basicConstraints(false)] }],
    ['XSVID-5.1-02: an issuer that no one has', 'ERR_X509_NO_PATH', { issuerName: encodeName({ organization: 'nobody' }) }],
    ['the key identifier of another issuer', 'ERR_X509_NO_PATH', { authorityKey: authorityKeyIdentifier(new Uint8Array(20)) }],
    ['XSVID-6.2-05: a trust domain without anchors', 'ERR_X509_NO_ANCHORS', {}, { anchors: () => undefined }],
    [
      'CRED-9.3-02, MTLS-3.2-01, MTLS-3.2-08: an identifier of another trust domain',
      'ERR_X509_NO_ANCHORS',
      { names: uris('spiffe://bank.example/ledger') },
    ],
  ]
  for (const [title, code, parts, options] of cases) {
    it(title, async () => {
      await expect(verify([await leaf(parts)], roots, options)).rejects.toMatchObject({ code })
    })
  }

  it.each([
    { clockToleranceSeconds: Number.NaN },
    { clockToleranceSeconds: Number.POSITIVE_INFINITY },
    { clockToleranceSeconds: 121 },
    { clockToleranceSeconds: -1 },
    { at: Number.NaN },
  ])('XSVID-5.1-01: with a time that would let an expired one pass: %o', async (options) => {
    const late = { at: WINDOW.notAfter + 60, ...options }
    await expect(verify([await leaf()], roots, late)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })

  it('CRED-9.3-01, CRED-9.3-02, MTLS-5-03, MTLS-5-04, XSVID-5.2-01: signed by the authority of another trust domain, both configured', async () => {
    const bank = await createPki(BANK)
    const stolen = await leaf({ names: uris('spiffe://bank.example/ledger') })
    const anchors = (trustDomain: string) => (trustDomain === SHOP ? roots : [bank.root.certificate])
    await expect(verify([stolen], roots, { anchors })).rejects.toMatchObject({ code: 'ERR_X509_NO_PATH' })
    await expect(verify(bank.chain, roots, { anchors })).resolves.toMatchObject({ trustDomain: BANK })
  })

  it('XSVID-5.1-01: signed by another key under the name of the issuer', async () => {
    const key = await generateCertificateKey('ES256', runtime)
    await expect(verify([await leaf({ key })], roots)).rejects.toMatchObject({ code: 'ERR_X509_SIGNATURE' })
  })

  it('XSVID-3.2-05: the root itself as a peer', async () => {
    await expect(verify([pki.root.certificate], roots)).rejects.toMatchObject({ code: 'ERR_X509_IDENTIFIER' })
  })
})

describe('paths with intermediates', () => {
  const under = async (issuer: CertificateAuthority, parts: Parts = {}): Promise<readonly Uint8Array[]> => [
    await leaf(parts, issuer),
    ...issuer.intermediates,
  ]

  it('XSVID-3.2-04, XSVID-3.2-06, XSVID-4.1-02, XSVID-4.3-03, XSVID-4.3-04: two intermediates, in any order, with a superfluous one', async () => {
    const second = await authorityOf(await authorityOf(pki.root, 'first'), 'second')
    const stranger = await authorityOf(pki.root, 'stranger')
    const [own = new Uint8Array(), ...others] = await under(second)
    const result = await verify([own, stranger.certificate, ...others.toReversed()], roots)
    expect(result.chain).toEqual([own, ...others])
  })

  it('XSVID-6.1-06: an intermediate as anchor', async () => {
    const first = await authorityOf(pki.root, 'first')
    await expect(verify(await under(first), [first.certificate])).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('two anchors of one name: the one that signed is found', async () => {
    const twin = await issueAuthority({
      key: await generateCertificateKey('ES256', runtime),
      subject: { organization: SHOP },
      ...WINDOW,
      runtime,
    })
    await expect(verify([await leaf()], [twin.certificate, ...roots])).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('an anchor that can not be read is left out', async () => {
    await expect(verify([await leaf()], [Uint8Array.of(1, 2, 3), ...roots])).resolves.toMatchObject({ identifier: ORDERS })
    await expect(verify([await leaf()], [Uint8Array.of(1, 2, 3)])).rejects.toMatchObject({ code: 'ERR_X509_NO_ANCHORS' })
  })

  const faults: readonly (readonly [title: string, code: ErrorCode, parts: Parameters<typeof authorityOf>[2], leafParts?: Parts])[] = [
    ['XSVID-4.1-02: cA false', 'ERR_X509_CA_REQUIRED', { constraints: basicConstraints(false) }],
    ['XSVID-4.1-02: no basic constraints', 'ERR_X509_CA_REQUIRED', { constraints: undefined }],
    ['XSVID-4.3-03: no keyCertSign', 'ERR_X509_CA_KEY_USAGE', { usage: keyUsage(['digitalSignature']) }],
    ['XSVID-4.3-01: no key usage', 'ERR_X509_KEY_USAGE', { usage: undefined }],
    ['XSVID-5.1-01: expired', 'ERR_X509_EXPIRED', { notAfter: NOW - 1 }],
    ['XSVID-3.2-02: an identifier with a path', 'ERR_X509_CA_PATH', { names: uris('spiffe://shop.example/ca') }],
    ['XSVID-3.2-02: an identifier with an empty path', 'ERR_X509_CA_PATH', { names: uris('spiffe://shop.example/') }],
    ['XSVID-3.2-03, CRED-9.3-02: an identifier of another trust domain', 'ERR_X509_TRUST_DOMAIN', { names: uris('spiffe://bank.example') }],
    ['XSVID-2-03: two identifiers', 'ERR_X509_URI_SAN_COUNT', { names: uris('spiffe://shop.example', 'spiffe://bank.example') }],
    ['XSVID-4.4-04: extended key usage for the other side', 'ERR_X509_EXTENDED_KEY_USAGE', { more: [extendedKeyUsage(['serverAuth'])] }],
    [
      'XSVID-4.2-01: URI outside of the permitted space',
      'ERR_X509_NAME_CONSTRAINTS',
      { more: [nameConstraints({ permitted: { uris: ['bank.example'] } })] },
    ],
    [
      'XSVID-4.2-01: a host is itself alone, not what is below it',
      'ERR_X509_NAME_CONSTRAINTS',
      { more: [nameConstraints({ permitted: { uris: ['.shop.example'] } })] },
    ],
    [
      'XSVID-4.2-01: a host does not permit names that merely end like it',
      'ERR_X509_NAME_CONSTRAINTS',
      { more: [nameConstraints({ permitted: { uris: ['example'] } })] },
    ],
    [
      'XSVID-4.2-01: URI in the excluded space',
      'ERR_X509_NAME_CONSTRAINTS',
      { more: [nameConstraints({ excluded: { uris: ['shop.example'] } })] },
    ],
    [
      'MTLS-3.2-02: DNS name outside of the permitted space',
      'ERR_X509_NAME_CONSTRAINTS',
      { more: [nameConstraints({ permitted: { dnsNames: ['shop.example'] } })] },
      { names: subjectAltName({ uris: [ORDERS], dnsNames: ['orders.bank.example'] }, true) },
    ],
  ]
  for (const [title, code, parts, leafParts] of faults) {
    it(`an intermediate with one fault is refused: ${title}`, async () => {
      const authority = await authorityOf(pki.root, 'first', parts)
      await expect(verify(await under(authority, leafParts), roots)).rejects.toMatchObject({ code })
    })
  }

  it('XSVID-4.2-02, XSVID-4.2-03, XSVID-A-04: constraints that the leaf keeps, and one on DNS names that does not concern URIs', async () => {
    const constraints = nameConstraints({
      permitted: { uris: ['shop.example'], dnsNames: ['internal'] },
      excluded: { uris: ['.shop.example'] },
    })
    const authority = await authorityOf(pki.root, 'first', { more: [constraints] })
    await expect(verify(await under(authority), roots)).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('XSVID-3.2-01, XSVID-A-10: an intermediate that is an SVID of the trust domain, with both purposes', async () => {
    const authority = await authorityOf(pki.root, 'first', {
      names: uris('spiffe://shop.example'),
      more: [extendedKeyUsage(['clientAuth', 'serverAuth'])],
    })
    await expect(verify(await under(authority), roots)).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('XSVID-3.2-04: another trust domain above the issuer, only with the option', async () => {
    const upper = await authorityOf(pki.root, 'upper', { names: uris('spiffe://bank.example') })
    const chain = await under(await authorityOf(upper, 'lower', { names: uris('spiffe://shop.example') }))
    await expect(verify(chain, roots)).rejects.toMatchObject({ code: 'ERR_X509_TRUST_DOMAIN' })
    await expect(verify(chain, roots, { allowForeignSigningIdentifiers: true })).resolves.toMatchObject({ trustDomain: SHOP })
    await expect(verify(await under(upper), roots, { allowForeignSigningIdentifiers: true })).rejects.toMatchObject({
      code: 'ERR_X509_TRUST_DOMAIN',
    })
  })

  it('XSVID-4.1-01, XSVID-A-03: path length', async () => {
    const none = await authorityOf(pki.root, 'none', { constraints: basicConstraints(true, 0) })
    await expect(verify(await under(none), roots)).resolves.toMatchObject({ identifier: ORDERS })
    await expect(verify(await under(await authorityOf(none, 'below')), roots)).rejects.toMatchObject({ code: 'ERR_X509_PATH_LENGTH' })
    const one = await authorityOf(pki.root, 'one', { constraints: basicConstraints(true, 1) })
    await expect(verify(await under(await authorityOf(one, 'below')), roots)).resolves.toMatchObject({ identifier: ORDERS })
  })

  it('XSVID-5.1-02: a missing intermediate', async () => {
    const second = await authorityOf(await authorityOf(pki.root, 'first'), 'second')
    const [own = new Uint8Array(), issuer = new Uint8Array()] = await under(second)
    await expect(verify([own, issuer], roots)).rejects.toMatchObject({ code: 'ERR_X509_NO_PATH' })
  })

  it('depth is bounded, in what is sent and in the path', async () => {
    let authority = pki.root
    for (const name of ['1', '2', '3']) authority = await authorityOf(authority, name)
    const chain = await under(authority)
    await expect(verify(chain, roots, { maxDepth: 5 })).resolves.toMatchObject({ identifier: ORDERS })
    await expect(verify(chain, roots, { maxDepth: 4 })).rejects.toMatchObject({ code: 'ERR_X509_DEPTH' })
    await expect(verify(chain, roots, { maxDepth: 3 })).rejects.toMatchObject({ code: 'ERR_X509_DEPTH' })
  })

  it('more certificates than a path may have are refused, needed or not', async () => {
    const strangers = await Promise.all(['1', '2', '3'].map((name) => authorityOf(pki.root, name)))
    const chain = [await leaf(), ...strangers.map(({ certificate }) => certificate)]
    await expect(verify(chain, roots, { maxDepth: 4 })).resolves.toMatchObject({ identifier: ORDERS })
    await expect(verify(chain, roots, { maxDepth: 3 })).rejects.toMatchObject({ code: 'ERR_X509_DEPTH' })
  })

  it('certificates that issue each other lead nowhere', async () => {
    const keys = [await generateCertificateKey('ES256', runtime), await generateCertificateKey('ES256', runtime)] as const
    const stub = (key: (typeof keys)[0], organization: string): Promise<CertificateAuthority> =>
      issueAuthority({ key, subject: { organization }, ...WINDOW, runtime })
    const [a, b] = [await stub(keys[0], 'a'), await stub(keys[1], 'b')]
    const ab = await issueAuthority({ key: keys[0], issuer: b, subject: { organization: 'a' }, ...WINDOW, runtime })
    const ba = await issueAuthority({ key: keys[1], issuer: a, subject: { organization: 'b' }, ...WINDOW, runtime })
    const chain = [await leaf({}, ab), ab.certificate, ba.certificate, a.certificate, b.certificate]
    await expect(verify(chain, roots)).rejects.toMatchObject({ code: 'ERR_X509_NO_PATH' })
  })
})

describe('algorithms', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'Ed25519'] as const)(
    '%s signs and verifies',
    async (name) => {
      const key = await generateCertificateKey(name, runtime)
      const root = await issueAuthority({ key, trustDomain: SHOP, subject: { commonName: name }, ...WINDOW, runtime })
      const { chain } = await issueCertificate({ issuer: root, publicKey: key.publicKey, identifier: ORDERS, ...WINDOW, runtime })
      await expect(verify(chain, [root.certificate])).resolves.toMatchObject({ identifier: ORDERS })
    },
  )
})

describe('issueCertificate', () => {
  const issue = (options: object) =>
    issueCertificate({ issuer: pki.root, publicKey: pki.leafKey.publicKey, ...WINDOW, runtime, ...options })

  it.each([
    ['a certificate without a name', {}],
    ['one that outlives its issuer', { identifier: ORDERS, notAfter: WINDOW.notAfter + 1 }],
    ['one that is never valid', { identifier: ORDERS, notBefore: NOW, notAfter: NOW - 1 }],
  ])('refuses %s', async (_title, options) => {
    await expect(issue(options)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })

  it('CRED-6.1-04: DNS names beside the identifier', async () => {
    const { chain } = await issue({ identifier: parseWorkloadIdentifier('wimse://shop.example/orders'), dnsNames: ['orders.internal'] })
    await expect(verify(chain, roots, { profile: 'wic' })).resolves.toMatchObject({ dnsNames: ['orders.internal'] })
  })
})
