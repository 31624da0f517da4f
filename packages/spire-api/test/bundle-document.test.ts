import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AuthorityKey,
  type BundleDocument,
  formatBundleDocument,
  formatTrustAnchorsPem,
  parseBundleDocument,
  type TrustDomainBundle,
} from '../src/index.ts'
import { rootCertificate } from './root-certificate.ts'

function authority(keyId: string, tainted = false): AuthorityKey {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return { keyId, publicKey: new Uint8Array(spki), expiresAt: 0, tainted }
}

const bundle: TrustDomainBundle = {
  trustDomain: 'shop.example',
  x509Authorities: [{ certificate: rootCertificate, tainted: false }],
  jwtAuthorities: [authority('jwt-1')],
  witAuthorities: [authority('wit-1')],
  refreshHintSeconds: 300,
  sequence: 7n,
}

describe('formatBundleDocument', () => {
  it('publishes the three kinds of keys, each with its use', () => {
    const document = formatBundleDocument(bundle)
    expect(document.keys.map(({ use, kid }) => [use, kid])).toEqual([
      ['x509-svid', undefined],
      ['jwt-svid', 'jwt-1'],
      ['wit-svid', 'wit-1'],
    ])
    expect(document).toMatchObject({ spiffe_sequence: 7, spiffe_refresh_hint: 300 })
  })

  it('leaves tainted authorities out', () => {
    const tainted = {
      ...bundle,
      x509Authorities: [{ certificate: rootCertificate, tainted: true }],
      witAuthorities: [authority('old', true), authority('new')],
    }
    expect(formatBundleDocument(tainted).keys.map(({ kid }) => kid)).toEqual(['jwt-1', 'new'])
    expect(formatTrustAnchorsPem(tainted)).toEqual([])
  })

  it('holds no private member', () => {
    expect(JSON.stringify(formatBundleDocument(bundle))).not.toContain('"d"')
  })

  it('refuses an authority that is no key', () => {
    const broken = { ...bundle, jwtAuthorities: [{ ...authority('x'), publicKey: new Uint8Array([1, 2, 3]) }] }
    expect(() => formatBundleDocument(broken)).toThrowError(expect.objectContaining({ code: 'ERR_SPIRE_API_MALFORMED' }))
  })
})

describe('parseBundleDocument', () => {
  it('reads what formatBundleDocument writes', () => {
    const copy = parseBundleDocument('shop.example', formatBundleDocument(bundle))
    expect(formatBundleDocument(copy)).toEqual(formatBundleDocument(bundle))
  })

  it.each<[string, unknown]>([
    ['no keys', {}],
    ['a null', null],
    ['a key without kid', { keys: [{ use: 'jwt-svid', kty: 'EC' }] }],
    ['an x509-svid key without certificate', { keys: [{ use: 'x509-svid' }] }],
    ['a certificate that is none', { keys: [{ use: 'x509-svid', x5c: ['AAAA'] }] }],
    ['a sequence that is no number', { keys: [], spiffe_sequence: 'x' }],
  ])('refuses %s', (_title, document) => {
    expect(() => parseBundleDocument('shop.example', document as BundleDocument)).toThrowError(
      expect.objectContaining({ code: 'ERR_SPIRE_API_ARGUMENT' }),
    )
  })

  it('throws nothing but its code on arbitrary input', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, key) => {
        for (const document of [value, { keys: [key] }, { keys: [{ use: 'jwt-svid', kid: 'k', kty: key }] }]) {
          try {
            parseBundleDocument('shop.example', document as unknown as BundleDocument)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_SPIRE_API_ARGUMENT' })
          }
        }
      }),
    )
  })
})
