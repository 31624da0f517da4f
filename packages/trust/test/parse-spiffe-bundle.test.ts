import { parseTrustDomain, utf8 } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { beforeAll, describe, expect, test } from 'vitest'
import { formatBundleMap, parseBundleMap, parseSpiffeBundle } from '../src/index.ts'
import { BANK, codeOf, type Jwk, json, leafOf, rootEntry, rootOf, runtime, SHOP, tokenKey } from './fixtures.ts'

let root: Jwk
let foreignRoot: Jwk
let jwt: Jwk
let wit: Jwk
let privateJwk: Jwk
let leaf: Jwk

beforeAll(async () => {
  const authority = await rootOf(SHOP)
  const { chain, key } = await leafOf(authority, 'spiffe://shop.example/orders')
  root = rootEntry(authority)
  leaf = rootEntry({ certificate: chain[0] ?? new Uint8Array(), key, intermediates: [] })
  foreignRoot = rootEntry(await rootOf(BANK))
  jwt = await tokenKey('jwt-svid', 'j1')
  wit = await tokenKey('wit-svid', 'w1', 'ES384')
  privateJwk = (await generateSigner('ES256', runtime)).exportPrivateJwk()
})

const parse = (document: unknown, options = {}) => parseSpiffeBundle(json(document), { trustDomain: SHOP, runtime, ...options })
const kidsOf = (keys: readonly { readonly keyId: string | undefined }[] | undefined) => keys?.map(({ keyId }) => keyId)

describe('documents that are read', () => {
  test('BUNDLE-4-01, BUNDLE-4.1.3-01, WSVID-6.2-01, JSVID-6.2-01, XSVID-6.2-01: keys of each use are kept apart', () => {
    const contents = parse({ keys: [root, jwt, wit], spiffe_sequence: 7, spiffe_refresh_hint: 60 })
    expect(contents.x509Authorities).toHaveLength(1)
    expect(kidsOf(contents.jwtAuthorities)).toEqual(['j1'])
    expect(kidsOf(contents.witAuthorities)).toEqual(['w1'])
    expect(contents).toMatchObject({ trustDomain: SHOP, sequence: 7, refreshHintSeconds: 60 })
  })

  test('TDD-4.1-02, TDD-4.1-06, TDD-4-04, TDD-4-06: the names of trust-domain discovery read into the same form', async () => {
    const key = await tokenKey('wimse-jwt')
    const contents = parse({ keys: [{ ...root, use: 'wimse-x509' }, key], sequence_number: 9, refresh_hint: 30 })
    expect(contents.x509Authorities).toHaveLength(1)
    expect(kidsOf(contents.witAuthorities)).toEqual([undefined])
    expect(contents).toMatchObject({ sequence: 9, refreshHintSeconds: 30 })
  })

  test('XSVID-6.2-05, JSVID-6.2-03, WSVID-6.2-03: a kind without an entry is absent', () => {
    const contents = parse({ keys: [wit] })
    expect(Object.keys(contents).sort()).toEqual(['trustDomain', 'witAuthorities'])
  })

  test.each<[string, () => Jwk]>([
    ['BUNDLE-4.2.1-02: an unknown kty', () => ({ ...wit, kid: 'other', kty: 'XYZ' })],
    ['BUNDLE-4.2.1-01: no kty', () => ({ use: 'wit-svid', kid: 'other' })],
    ['BUNDLE-4.2.2-03, TDD-4.1-11: an unknown use', () => ({ ...wit, kid: 'other', use: 'sig' })],
    ['BUNDLE-4.2.2-03: no use', () => ({ ...wit, kid: 'other', use: undefined })],
    ['BUNDLE-4.2.2-02: use in another case', () => ({ ...wit, kid: 'other', use: 'WIT-SVID' })],
    ['a curve that is not known here', () => ({ ...wit, kid: 'other', crv: 'secp256k1' })],
    ['an alg that is not known here', () => ({ ...wit, kid: 'other', alg: 'ES256K' })],
    ['XSVID-6.2-02: an x509-svid entry without x5c', () => ({ ...root, x5c: undefined })],
    ['XSVID-6.2-02: an x509-svid entry with an empty x5c', () => ({ ...root, x5c: [] })],
  ])('BUNDLE-4.1.3-02: skipped: %s', (_, entry) => {
    const contents = parse({ keys: [entry(), wit] })
    expect(contents.x509Authorities).toBeUndefined()
    expect(kidsOf(contents.witAuthorities)).toEqual(['w1'])
  })

  test('XSVID-6.2-03: of several certificates in an x509-svid entry the first counts', () => {
    const second = (foreignRoot['x5c'] as string[])[0]
    expect(parse({ keys: [{ ...root, x5c: [...(root['x5c'] as string[]), second] }] }).x509Authorities).toHaveLength(1)
  })

  test('BUNDLE-4.1-01, BUNDLE-4.1-02: unknown members are ignored', () => {
    expect(kidsOf(parse({ keys: [wit], vendor: { any: [1] } }).witAuthorities)).toEqual(['w1'])
  })

  test('BUNDLE-4.1.3-03, BUNDLE-4.1.3-04: an empty set is every kind and no key, where that is asked for', () => {
    const none = { x509Authorities: [], jwtAuthorities: [], witAuthorities: [] }
    expect(parse({ keys: [], spiffe_sequence: 3 }, { allowEmpty: true })).toEqual({ trustDomain: SHOP, ...none, sequence: 3 })
  })

  test('a key with alg serves that one, a key without each of its type', async () => {
    const [bound, free] = [await tokenKey('wit-svid', 'a', 'PS256'), await tokenKey('wit-svid', 'b', 'RS256')]
    const [first, second] = parse({ keys: [{ ...bound, alg: 'PS256' }, free] }).witAuthorities ?? []
    expect([first?.fits('PS256'), first?.fits('RS256'), second?.fits('PS256'), second?.fits('RS256'), second?.fits('ES256')]).toEqual([
      true,
      false,
      true,
      true,
      false,
    ])
    expect(await codeOf(() => first?.verifier('RS256'))).toBe('ERR_KEY_ALGORITHM')
    expect(second?.verifier('RS256')).toBe(second?.verifier('RS256'))
  })
})

describe('documents that are refused', () => {
  test.each<[string, () => unknown]>([
    ['BUNDLE-4-01: a bare array', () => [wit]],
    ['BUNDLE-4.1.3-01: keys absent', () => ({})],
    ['BUNDLE-4.1.3-01: keys no array', () => ({ keys: { 0: wit } })],
    ['an entry that is no object', () => ({ keys: ['x', wit] })],
    ['BUNDLE-4.1.1-02: a sequence that is text', () => ({ keys: [wit], spiffe_sequence: '1' })],
    ['BUNDLE-4.1.1-02: a sequence with a fraction', () => ({ keys: [wit], spiffe_sequence: 1.5 })],
    ['BUNDLE-4.1.1-02: a negative sequence', () => ({ keys: [wit], spiffe_sequence: -1 })],
    ['BUNDLE-4.1.1-04: a sequence that no double holds', () => ({ keys: [wit], spiffe_sequence: 2 ** 53 })],
    ['TDD-4-07: two spellings that differ', () => ({ keys: [wit], spiffe_sequence: 1, sequence_number: 2 })],
    ['BUNDLE-4.1.2-02: a hint that is text', () => ({ keys: [wit], spiffe_refresh_hint: '5m' })],
    ['BUNDLE-4.1.2-02: a hint with a fraction', () => ({ keys: [wit], spiffe_refresh_hint: 1.5 })],
    ['a private key', () => ({ keys: [{ ...privateJwk, alg: undefined, use: 'wit-svid', kid: 'p' }, wit] })],
    ['a private key beside a certificate', () => ({ keys: [{ ...root, d: privateJwk['d'] }, wit] })],
    ['TDD-4.1-06: a certificate that is no CA', () => ({ keys: [leaf, wit] })],
    ['a symmetric key', () => ({ keys: [{ kty: 'oct', k: 'AAAA', use: 'jwt-svid', kid: 'p' }, wit] })],
    ['a weak key', () => ({ keys: [{ kty: 'RSA', n: 'wwww', e: 'AQAB', use: 'jwt-svid', kid: 'p' }, wit] })],
    ['a malformed key', () => ({ keys: [{ ...jwt, x: 'AA' }, wit] })],
    ['JSVID-6.1-03: a jwt-svid key without kid', () => ({ keys: [{ ...jwt, kid: undefined }, wit] })],
    ['WSVID-6.1-02: a wit-svid key without kid', () => ({ keys: [{ ...wit, kid: undefined }, jwt] })],
    ['WSVID-6.1-04: two keys with one kid', () => ({ keys: [wit, wit] })],
    ['WSVID-6.1-05: keys of two uses with one kid', () => ({ keys: [wit, { ...jwt, kid: 'w1' }] })],
    ['TDD-4.1-07: a wimse-x509 entry without x5c', () => ({ keys: [{ ...root, use: 'wimse-x509', x5c: undefined }, wit] })],
    [
      'TDD-4.1-08: a wimse-x509 entry with two certificates',
      () => {
        const value = (root['x5c'] as string[])[0]
        return { keys: [{ ...root, use: 'wimse-x509', x5c: [value, value] }] }
      },
    ],
    ['TDD-4.1-10: a certificate of another key', () => ({ keys: [{ ...root, x5c: foreignRoot['x5c'] }] })],
    ['a certificate that is none', () => ({ keys: [{ ...root, x5c: ['AAAA'] }] })],
    ['x5c in base64url', () => ({ keys: [{ ...root, x5c: ['_-__'] }] })],
  ])('malformed: %s', async (_, document) => {
    expect(await codeOf(() => parse(document()))).toBe('ERR_TRUST_BUNDLE_MALFORMED')
  })

  test.each<[string, Uint8Array]>([
    ['BUNDLE-4-01: PEM', utf8('-----BEGIN CERTIFICATE-----')],
    ['BUNDLE-6.3-01: a member that occurs twice', utf8('{"keys":[],"keys":[]}')],
    ['FED-5.2.1.3-05, FED-5.2.2.3-05: UTF-16', new Uint8Array(Buffer.from('{"keys":[]}', 'utf16le'))],
  ])('malformed: %s', async (_, octets) => {
    expect(await codeOf(() => parseSpiffeBundle(octets, { trustDomain: SHOP }))).toBe('ERR_TRUST_BUNDLE_MALFORMED')
  })

  test('BUNDLE-6.2-01: authorities of another trust domain', async () => {
    expect(await codeOf(() => parse({ keys: [foreignRoot, wit] }))).toBe('ERR_TRUST_BUNDLE_TRUST_DOMAIN')
  })

  test.each<[string, () => unknown]>([
    ['BUNDLE-4.1.3-04: no key', () => ({ keys: [] })],
    ['BUNDLE-4.1.3-04: only unknown uses', () => ({ keys: [{ ...wit, use: 'sig' }] })],
  ])('empty: %s', async (_, document) => {
    expect(await codeOf(() => parse(document()))).toBe('ERR_TRUST_BUNDLE_EMPTY')
  })

  test('more octets or entries than the limits', async () => {
    expect(await codeOf(() => parse({ keys: [wit] }, { maxBytes: 50 }))).toBe('ERR_TRUST_BUNDLE_TOO_LARGE')
    expect(await codeOf(() => parse({ keys: [wit, jwt] }, { maxKeys: 1 }))).toBe('ERR_TRUST_BUNDLE_TOO_LARGE')
  })
})

describe('bundle maps', () => {
  test('BUNDLE-5.1-01, BUNDLE-5.1.1-03, BUNDLE-5.1.1-07: each bundle under its name, without refresh hints', () => {
    const octets = json({
      trust_domains: { 'shop.example': { keys: [root, wit], spiffe_refresh_hint: 10 }, 'bank.example': { keys: [jwt] } },
    })
    const map = parseBundleMap(octets, { runtime })
    expect(map.map(({ trustDomain }) => trustDomain)).toEqual([SHOP, BANK])
    expect(map[0]?.refreshHintSeconds).toBeUndefined()
  })

  test('BUNDLE-5.1.1-02: an empty map', () => expect(parseBundleMap(json({ trust_domains: {} }))).toEqual([]))

  test.each<[string, string]>([
    ['BUNDLE-5.1-01: no JSON', 'x'],
    ['BUNDLE-5.1.1-01: trust_domains absent', '{}'],
    ['BUNDLE-5.1.1-03: a name that is an identifier', '{"trust_domains":{"spiffe://shop.example":{"keys":[]}}}'],
    ['BUNDLE-5.1.1-05, BUNDLE-6.3-01: a trust domain twice', '{"trust_domains":{"a.example":{"keys":[]},"a.example":{"keys":[]}}}'],
    ['a bundle that is no object', '{"trust_domains":{"a.example":[]}}'],
  ])('refused: %s', async (_, text) => {
    expect(await codeOf(() => parseBundleMap(utf8(text), { allowEmpty: true }))).toBe('ERR_TRUST_BUNDLE_MALFORMED')
  })

  test('BUNDLE-B.1-01: one bundle that is refused refuses the map', async () => {
    const octets = json({ trust_domains: { 'shop.example': { keys: [wit] }, 'bank.example': { keys: [] } } })
    expect(await codeOf(() => parseBundleMap(octets))).toBe('ERR_TRUST_BUNDLE_EMPTY')
  })

  test('BUNDLE-5.1.1-04, BUNDLE-5.1.1-06: a written map has each name once and no refresh hint', async () => {
    const contents = { ...parse({ keys: [root, wit], spiffe_sequence: 4 }), refreshHintSeconds: 10 }
    const other = { ...contents, trustDomain: parseTrustDomain('other.example'), x509Authorities: [] }
    expect(new TextDecoder().decode(formatBundleMap([contents, other]))).not.toContain('refresh')
    expect(await codeOf(() => formatBundleMap([contents, contents]))).toBe('ERR_TRUST_BUNDLE_MALFORMED')
  })
})
