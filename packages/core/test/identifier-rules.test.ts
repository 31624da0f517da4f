import { describe, expect, it } from 'vitest'
import {
  createPeerLookup,
  matchesAny,
  originOf,
  parseIdentifierPattern,
  parseOrigin,
  parseTrustDomain,
  parseWorkloadIdentifier,
} from '../src/index.ts'
import { codeOf } from './code-of.ts'

describe('parseIdentifierPattern', () => {
  it.each([
    ['spiffe://shop.example/orders', 'spiffe://shop.example/orders'],
    ['spiffe://shop.example/batch/*', 'spiffe://shop.example/batch/nightly'],
    ['spiffe://shop.example/batch/*', 'spiffe://shop.example/batch/nightly/eu'],
    ['wimse://shop.example/*', 'wimse://shop.example/orders'],
  ])('ID-7.6-01: %s matches %s', (pattern, identifier) => {
    expect(parseIdentifierPattern(pattern).matches(parseWorkloadIdentifier(identifier))).toBe(true)
  })

  it.each([
    ['spiffe://shop.example/orders', 'spiffe://shop.example/orders/1'],
    ['spiffe://shop.example/orders', 'wimse://shop.example/orders'],
    ['spiffe://shop.example/batch/*', 'spiffe://shop.example/batch'],
    ['spiffe://shop.example/batch/*', 'spiffe://shop.example/batches/a'],
    ['spiffe://shop.example/*', 'spiffe://shop.example.evil.example/orders'],
    ['spiffe://shop.example/*', 'spiffe://sub.shop.example/orders'],
    ['wimse://shop.example/*', 'spiffe://shop.example/orders'],
  ])('ID-4.3-03, ID-7.6-01: %s does not match %s', (pattern, identifier) => {
    expect(parseIdentifierPattern(pattern).matches(parseWorkloadIdentifier(identifier))).toBe(false)
  })

  it.each([
    '*',
    '/*',
    'spiffe://*/orders',
    'spiffe://*',
    'spiffe://shop.*/orders',
    'spiffe://shop.example/*/orders',
    'spiffe://shop.example/ord*',
    'spiffe://shop.example/**',
    'spiffe://shop.example//*',
    'spiffe://shop.example',
    'SPIFFE://shop.example/*',
    '/orders',
    '',
  ])('ID-4.3-03, CRED-7-02: refuses %j', (text) => {
    expect(codeOf(() => parseIdentifierPattern(text))).toBe('ERR_IDENTIFIER_PATTERN')
  })

  it('refuses what is no string', () => {
    expect(codeOf(() => parseIdentifierPattern(undefined as unknown as string))).toBe('ERR_IDENTIFIER_PATTERN')
  })

  it('matchesAny: one of several is enough, none of none', () => {
    const patterns = ['spiffe://a.example/x', 'spiffe://b.example/*'].map((text) => parseIdentifierPattern(text))
    expect(matchesAny(patterns, parseWorkloadIdentifier('spiffe://b.example/y'))).toBe(true)
    expect(matchesAny(patterns, parseWorkloadIdentifier('spiffe://a.example/y'))).toBe(false)
    expect(matchesAny([], parseWorkloadIdentifier('spiffe://a.example/x'))).toBe(false)
  })
})

describe('origins', () => {
  it('ID-4.6-01: the origin of an identifier is its scheme and trust domain', () => {
    expect(originOf(parseWorkloadIdentifier('wimse://td.example/a/b'))).toBe('wimse://td.example')
    expect(parseOrigin('wimse://td.example')).toBe('wimse://td.example')
  })

  it.each([
    ['a path', 'wimse://td.example/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['a lone slash', 'wimse://td.example/', 'ERR_IDENTIFIER_MALFORMED'],
    ['a port', 'wimse://td.example:443', 'ERR_IDENTIFIER_COMPONENT'],
    ['an empty trust domain', 'wimse://', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['an IP address', 'spiffe://192.0.2.7', 'ERR_TRUST_DOMAIN_IP'],
    ['capitals', 'Spiffe://td.example', 'ERR_IDENTIFIER_NOT_CANONICAL'],
  ])('ID-4.6-01: refuses %s', (_title, text, code) => {
    expect(codeOf(() => parseOrigin(text))).toBe(code)
  })

  it('ID-4.6-01: an origin is refused where an identifier is needed', () => {
    expect(codeOf(() => parseWorkloadIdentifier('wimse://td.example'))).toBe('ERR_IDENTIFIER_NO_PATH')
  })
})

describe('parseTrustDomain', () => {
  it.each(['td.example', 'prod', 'a_b-c.1', 'a'.repeat(255), '1.2.3', '1.2.3.4.5'])('ID-4.4-04, SPIFFEID-2.3-04: accepts %s', (name) => {
    expect(parseTrustDomain(name)).toBe(name)
  })

  it.each([
    ['', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['a'.repeat(256), 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['Td.example', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['td.example.', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['td.example\n', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['td/example', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ｔd.example', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['192.0.2.1', 'ERR_TRUST_DOMAIN_IP'],
  ])('ID-4.2-01, ID-4.4-04, SPIFFEID-2.1-05: refuses %j', (name, code) => {
    expect(codeOf(() => parseTrustDomain(name))).toBe(code)
  })
})

describe('createPeerLookup', () => {
  const table = { 'https://payments.shop.example': 'spiffe://shop.example/payments', 'pay.svc:8443': 'wimse://td.example/pay' }

  it('ID-5-01: finds the identifier that the table expects', () => {
    const lookup = createPeerLookup(table)
    expect(lookup('pay.svc:8443')).toBe('wimse://td.example/pay')
    expect(lookup('https://payments.shop.example')).toBe('spiffe://shop.example/payments')
  })

  it('ID-5-02: takes a function in place of a table', () => {
    const lookup = createPeerLookup((handle) => (handle === 'pay' ? 'wimse://td.example/pay' : undefined))
    expect(lookup('pay')).toBe('wimse://td.example/pay')
    expect(codeOf(() => lookup('other'))).toBe('ERR_IDENTIFIER_UNMAPPED')
  })

  it.each(['pay.td.example', 'https://payments.shop.example/', 'PAY.svc:8443', 'constructor', '__proto__'])(
    'ID-5-03: derives nothing from %s, which has no entry',
    (handle) => {
      expect(codeOf(() => createPeerLookup(table)(handle))).toBe('ERR_IDENTIFIER_UNMAPPED')
    },
  )

  it('ID-7.1-02: refuses a wrong identifier when the table is read, and when a function gives it', () => {
    expect(codeOf(() => createPeerLookup({ pay: 'wimse://td.example:443/pay' }))).toBe('ERR_IDENTIFIER_COMPONENT')
    expect(codeOf(() => createPeerLookup(() => 'wimse://TD.example/pay')('pay'))).toBe('ERR_TRUST_DOMAIN_MALFORMED')
  })
})
