import { beforeAll, expect, test } from 'vitest'
import { parseSpiffeBundle, staticTrust } from '../src/index.ts'
import { BANK, codeOf, type Jwk, json, rootEntry, rootOf, runtime, SHOP, tokenKey } from './fixtures.ts'

let document: { readonly keys: readonly Jwk[] }

beforeAll(async () => {
  document = { keys: [rootEntry(await rootOf(SHOP)), await tokenKey('wit-svid', 'w1')] }
})

test.each<[string, () => Parameters<typeof staticTrust>[0]]>([
  ['parsed JSON', () => ({ 'shop.example': document })],
  ['text', () => ({ 'shop.example': JSON.stringify(document) })],
  ['octets', () => ({ 'shop.example': json(document) })],
  ['contents', () => [parseSpiffeBundle(json(document), { trustDomain: SHOP, runtime })]],
])('FED-5.2.2.2-04, FED-5.2.2.2-09, BUNDLE-3-01: static bundles as %s', async (_, bundles) => {
  const trust = staticTrust(bundles())
  expect(trust.bundle(SHOP).witAuthorities.map(({ keyId }) => keyId)).toEqual(['w1'])
  expect(trust.bundle(SHOP)).toBe(trust.bundle(SHOP))
  expect(await trust.refresh(SHOP)).toBe(false)
  expect(await codeOf(() => trust.bundle(BANK))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
})

test.each<[string, unknown, string]>([
  ['BUNDLE-3-01: a name that is none', { 'Shop.example': { keys: [] } }, 'ERR_TRUST_DOMAIN_MALFORMED'],
  ['BUNDLE-4.1.3-04: a bundle without a key', { 'shop.example': { keys: [] } }, 'ERR_TRUST_BUNDLE_EMPTY'],
  ['a bundle that is no object', { 'shop.example': 5 }, 'ERR_TRUST_BUNDLE_MALFORMED'],
  ['a trust domain twice', [{ trustDomain: SHOP }, { trustDomain: SHOP }], 'ERR_OPTIONS_INVALID'],
  ['nothing', undefined, 'ERR_OPTIONS_INVALID'],
])('refused: %s', async (_, bundles, code) => {
  expect(await codeOf(() => staticTrust(bundles as Parameters<typeof staticTrust>[0]))).toBe(code)
})
