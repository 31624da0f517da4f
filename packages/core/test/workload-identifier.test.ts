import { describe, expect, it } from 'vitest'
import { MAX_IDENTIFIER_BYTES, parseTrustDomainIdentifier, parseWorkloadIdentifier, schemeOf, trustDomainOf } from '../src/index.ts'
import { codeOf } from './code-of.ts'

const ofLength = (length: number, scheme = 'wimse', domain = 'td.example'): string => {
  const start = `${scheme}://${domain}/`
  return start + 'a'.repeat(length - start.length)
}

describe('parseWorkloadIdentifier accepts', () => {
  it.each([
    ['ID-4.1-01, ID-4.1-02, ID-4.4-01, ID-4.4-07: scheme, trust domain and path', 'wimse://trust.example.com/service/payment'],
    ['ID-4.1-02: a spiffe identifier', 'spiffe://td.example/svc/a'],
    ['ID-4.4-04: digits, hyphen and underscore in the trust domain', 'wimse://td_1-a.example/a'],
    ['SPIFFEID-2.1-05: the same for spiffe', 'spiffe://my_td-1.example.org/a'],
    ['SPIFFEID-2.1-07: a name that is no DNS name', 'spiffe://not_a_dns_name/a'],
    ['ID-4.4-08: unreserved characters in a wimse path', 'wimse://td.example/A-z0.9_~x'],
    ['SPIFFEID-2.2-05: letters, digits, dot, dash, underscore in a spiffe path', 'spiffe://example.org/A_b-c.9'],
    ['ID-4.4-10, SPIFFEID-2.2-03: segments of dots that are no dot segments', 'wimse://td.example/.../.a/a..b'],
    ['ID-4.2-04: an opaque path', 'wimse://td.example/89a6ec51-f877-44c0-9501-b213597f2d1d'],
    ['ID-4.2-05, SPIFFEID-2.2-06: a structured path', 'spiffe://td.example/ns/prod-01/sa/foo-service'],
    ['SPIFFEID-2.1-04: capitals in the path', 'spiffe://example.org/A'],
    ['ID-4.1-08: 2047 octets', ofLength(2047)],
    ['ID-4.1-08, SPIFFEID-2.3-01: 2048 octets', ofLength(2048)],
    ['SPIFFEID-2.3-03: 2048 octets with a trust domain of 255', ofLength(2048, 'spiffe', 'a'.repeat(255))],
    ['ID-7.1-07: the longest path in the smallest segments', `wimse://td.example${'/a'.repeat(1015)}`],
  ])('%s', (_title, text) => {
    expect(parseWorkloadIdentifier(text)).toBe(text)
  })

  it('ID-4.3-02: an IPv4 literal when the option for legacy names is set', () => {
    expect(parseWorkloadIdentifier('spiffe://192.0.2.1/svc', { allowIpAddress: true })).toBe('spiffe://192.0.2.1/svc')
  })

  it.each(['wimse://td.example/%70ay', 'wimse://td.example/a:b@c', "wimse://td.example/a!$&'()*+,;=b"])(
    'draft-03 rules: %s, which the canonical rules refuse',
    (text) => {
      expect(parseWorkloadIdentifier(text, { rules: 'draft-03' })).toBe(text)
      expect(codeOf(() => parseWorkloadIdentifier(text))).not.toBe('ok')
    },
  )
})

describe('parseWorkloadIdentifier refuses', () => {
  it.each([
    ['ID-4.1-01: a relative reference', '//td.example/svc/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.1-01: a relative path', 'svc/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.1-01: an absolute path', '/svc/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.1-01: nothing', '', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.1-02: a URI without authority', 'urn:uuid:89a6ec51-f877-44c0-9501-b213597f2d1d', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.1-02: an empty trust domain', 'wimse:///svc/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['SPIFFEID-2.1-01: an empty trust domain', 'spiffe:///a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.1-04, SPIFFEID-2-04: a query', 'wimse://td.example/svc/a?x=1', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-04, SPIFFEID-2-04: an empty query', 'spiffe://td.example/svc/a?', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-05, SPIFFEID-2-05: a fragment', 'spiffe://td.example/svc/a#f', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-05: an empty fragment', 'wimse://td.example/svc/a#', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-06, SPIFFEID-2.1-02: user information', 'spiffe://user@td.example/svc/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-06: empty user information', 'wimse://@td.example/svc/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-06: a trust domain as user name', 'wimse://td.example:pw@evil.example/svc/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-07, SPIFFEID-2.1-03: a port', 'spiffe://td.example:8443/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-07: an empty port', 'wimse://td.example:/svc/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-4.1-09, ID-7.1-08, SPIFFEID-2.3-02: 2049 octets', ofLength(2049), 'ERR_IDENTIFIER_TOO_LONG'],
    ['ID-7.1-07: a mebibyte', ofLength(1 << 20), 'ERR_IDENTIFIER_TOO_LONG'],
    ['ID-4.1-14: a percent-encoded letter', 'wimse://td.example/%70ayment', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.1-15: a trailing slash, which is not stripped', 'wimse://td.example/payment/', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.2-01: a space in the trust domain', 'wimse://td example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.2-01: a control character in the trust domain', 'wimse://td\u0000.example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.3-02: an IPv4 trust domain', 'wimse://192.0.2.1/svc/a', 'ERR_TRUST_DOMAIN_IP'],
    ['ID-4.3-02: an IPv6 trust domain', 'wimse://[2001:db8::1]/svc/a', 'ERR_TRUST_DOMAIN_IP'],
    ['ID-4.4-01: no slashes after the scheme', 'wimse:td.example/svc/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4-01, ID-4.4-07: no path', 'wimse://td.example', 'ERR_IDENTIFIER_NO_PATH'],
    ['ID-4-01: the identifier of a spiffe trust domain', 'spiffe://td.example', 'ERR_IDENTIFIER_NO_PATH'],
    ['ID-4.4-07, SPIFFEID-2.2-04: a lone slash', 'spiffe://td.example/', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-03: capitals in the scheme', 'WIMSE://td.example/svc/a', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-03: one capital in the scheme', 'Wimse://td.example/svc/a', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['SPIFFEID-2.4-01: capitals in the spiffe scheme, which are not folded', 'SPIFFE://example.org/a', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-04, SPIFFEID-2.1-04: capitals in the trust domain', 'spiffe://TD.example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-04: a tilde in the trust domain', 'wimse://td~x.example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-04: a letter beyond ASCII in the trust domain', 'wimse://tdé.example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['SPIFFEID-2.1-05: an asterisk in the trust domain', 'spiffe://ex*ample.org/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-05, SPIFFEID-2.1-06: percent-encoding in the trust domain', 'spiffe://td%2eexample/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-06: a trailing dot', 'wimse://td.example./a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-06: a leading dot', 'wimse://.td.example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['ID-4.4-06: a doubled dot', 'wimse://td..example/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['SPIFFEID-2.3-04: a trust domain of 256 octets', `spiffe://${'a'.repeat(256)}/a`, 'ERR_TRUST_DOMAIN_MALFORMED'],
    ...[':', '@', '+', '=', ';', '*', ',', '!', ' ', 'é', '\\', '"', '\u007f', '\n'].map(
      (character) =>
        [`ID-4.4-08: ${JSON.stringify(character)} in the path`, `wimse://td.example/a${character}b`, 'ERR_IDENTIFIER_MALFORMED'] as const,
    ),
    ['SPIFFEID-2.2-05: a tilde in a spiffe path', 'spiffe://example.org/a~b', 'ERR_IDENTIFIER_MALFORMED'],
    ['SPIFFEID-2.2-05: a colon in a spiffe path', 'spiffe://example.org/a:b', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-4.4-09, SPIFFEID-2.2-02: an empty first segment', 'spiffe://td.example//a', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-09: an empty segment', 'wimse://td.example/a//b', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-12: consecutive slashes', 'wimse://td.example/a///b', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-13: a trailing slash', 'wimse://td.example/a/', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-10: a dot segment', 'wimse://td.example/./a', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-10, SPIFFEID-2.2-03: a double-dot segment', 'spiffe://td.example/a/../b', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-10: a double-dot segment at the end', 'wimse://td.example/a/..', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-11, SPIFFEID-2.2-01: an encoded slash', 'spiffe://td.example/a%2Fb', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-4.4-11: a percent sign alone', 'wimse://td.example/a%', 'ERR_IDENTIFIER_NOT_CANONICAL'],
    ['ID-7.1-01: a backslash that browsers take for a slash', 'wimse://td.example\\@evil.example/a', 'ERR_IDENTIFIER_COMPONENT'],
    ['ID-7.1-01: white space around it', ' wimse://td.example/a', 'ERR_IDENTIFIER_MALFORMED'],
    ['ID-7.1-01: a tab inside, which browsers drop', 'wimse://td.exa\tmple/a', 'ERR_TRUST_DOMAIN_MALFORMED'],
    ['another scheme', 'https://td.example/a', 'ERR_IDENTIFIER_MALFORMED'],
  ] as const)('%s', (_title, text, code) => {
    expect(codeOf(() => parseWorkloadIdentifier(text))).toBe(code)
  })

  it.each([undefined, null, 7, {}, ['wimse://td.example/a']])('ID-7.1-04: what is no string (%j)', (value) => {
    expect(codeOf(() => parseWorkloadIdentifier(value as unknown as string))).toBe('ERR_IDENTIFIER_MALFORMED')
  })

  it('percent-encoding in the trust domain and the path of spiffe even under the rules of draft-03', () => {
    expect(codeOf(() => parseWorkloadIdentifier('wimse://td%2eexample/a', { rules: 'draft-03' }))).toBe('ERR_TRUST_DOMAIN_MALFORMED')
    expect(codeOf(() => parseWorkloadIdentifier('spiffe://td.example/%70', { rules: 'draft-03' }))).toBe('ERR_IDENTIFIER_NOT_CANONICAL')
  })
})

describe('an identifier', () => {
  it('ID-4.3-03, ID-4.4-14, ID-4.4-15, SPIFFEID-2.4-02: is compared whole and octet by octet', () => {
    const texts = ['wimse://td.example/pay', 'wimse://td.example/Pay', 'wimse://td2.example/pay', 'spiffe://td.example/pay']
    expect(new Set(texts.map((text) => parseWorkloadIdentifier(text))).size).toBe(texts.length)
  })

  it.each([
    ['wimse://td.example/a/b', 'wimse', 'td.example'],
    ['spiffe://shop.example/orders', 'spiffe', 'shop.example'],
  ])('tells its scheme and trust domain: %s', (text, scheme, domain) => {
    const identifier = parseWorkloadIdentifier(text)
    expect([schemeOf(identifier), trustDomainOf(identifier)]).toEqual([scheme, domain])
  })

  it('has one limit for every scheme', () => {
    expect(MAX_IDENTIFIER_BYTES).toBe(2048)
  })
})

describe('parseTrustDomainIdentifier', () => {
  it('SPIFFEID-3.1-04, XSVID-3.2-02: accepts an identifier without a path', () => {
    expect(parseTrustDomainIdentifier('spiffe://td.example')).toBe('td.example')
  })

  it.each([
    ['SPIFFEID-3.1-04: a path', 'spiffe://td.example/ca', 'ERR_IDENTIFIER_MALFORMED'],
    ['a lone slash', 'spiffe://td.example/', 'ERR_IDENTIFIER_MALFORMED'],
    ['an empty trust domain', 'spiffe://', 'ERR_TRUST_DOMAIN_MALFORMED'],
  ])('refuses %s', (_title, text, code) => {
    expect(codeOf(() => parseTrustDomainIdentifier(text))).toBe(code)
  })
})
