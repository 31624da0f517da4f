import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createPeerLookup,
  fieldLinesOfRawHeaders,
  formatBase64url,
  inMemoryReplayStore,
  originOf,
  parseBase64url,
  parseBase64urlJsonObject,
  parseIdentifierPattern,
  parseOrigin,
  parseStrictJson,
  parseTrustDomain,
  parseWorkloadIdentifier,
  requestViewOfParts,
  schemeOf,
  trustDomainOf,
  utf8,
} from '../src/index.ts'
import { codeOf } from './code-of.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.webUrl(),
  fc.stringMatching(/^(spiffe|wimse):\/\/[a-z0-9.%:@A-Z_-]{0,20}(\/[a-zA-Z0-9._~%-]{0,5}){0,4}[?#]?$/),
)
const label = fc.stringMatching(/^[a-z0-9_-]{1,10}$/)
const trustDomain = fc
  .array(label, { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join('.'))
  .filter((name) => !/^[0-9]+(\.[0-9]+){3}$/.test(name))
const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((part) => part !== '.' && part !== '..')
const identifier = fc
  .tuple(fc.constantFrom('spiffe', 'wimse'), trustDomain, fc.array(segment, { minLength: 1, maxLength: 5 }))
  .map(([scheme, domain, path]) => `${scheme}://${domain}/${path.join('/')}`)

describe('arbitrary input', () => {
  it.each([
    ['parseWorkloadIdentifier', (value: string) => parseWorkloadIdentifier(value)],
    ['parseTrustDomain', (value: string) => parseTrustDomain(value)],
    ['parseOrigin', (value: string) => parseOrigin(value)],
    ['parseIdentifierPattern', (value: string) => parseIdentifierPattern(value)],
    ['createPeerLookup', (value: string) => createPeerLookup({ [value]: value })(value)],
    ['parseBase64url', (value: string) => parseBase64url(value)],
    ['parseBase64urlJsonObject', (value: string) => parseBase64urlJsonObject(value, 0, value.length)],
    ['parseStrictJson', (value: string) => parseStrictJson(utf8(value))],
    ['fieldLinesOfRawHeaders', (value: string) => fieldLinesOfRawHeaders([value, value])],
    [
      'requestViewOfParts',
      (value: string) => requestViewOfParts({ method: value, scheme: 'https', authority: value, target: value, fields: [] }),
    ],
  ])('ends in a value or a coded error: %s', (_name, step) => {
    fc.assert(fc.property(text, (value) => /^(?:ok|ERR_[A-Z0-9_]+)$/.test(codeOf(() => step(value)))))
  })

  it('of octets: strict JSON', () => {
    fc.assert(fc.property(fc.uint8Array(), (octets) => /^(?:ok|ERR_[A-Z0-9_]+)$/.test(codeOf(() => parseStrictJson(octets)))))
  })
})

describe('identifiers', () => {
  it('ID-4.4-16, ID-7.1-05: are their own canonical form', () => {
    fc.assert(
      fc.property(identifier, (value) => {
        const parsed = parseWorkloadIdentifier(value)
        expect(parsed).toBe(value)
        expect(value.startsWith(`${schemeOf(parsed)}://${trustDomainOf(parsed)}/`)).toBe(true)
        expect(parseOrigin(originOf(parsed))).toBe(originOf(parsed))
        expect(parseIdentifierPattern(value).matches(parsed)).toBe(true)
        expect(parseIdentifierPattern(`${originOf(parsed)}/*`).matches(parsed)).toBe(true)
      }),
    )
  })

  it('ID-4.4-15: differ when one octet does', () => {
    fc.assert(
      fc.property(identifier, fc.nat(), fc.constantFrom(...'azAZ09-_./%:@?#~'), (value, at, other) => {
        const index = at % value.length
        fc.pre(value[index] !== other)
        const changed = value.slice(0, index) + other + value.slice(index + 1)
        const code = codeOf(() => parseWorkloadIdentifier(changed))
        if (code === 'ok') expect(parseIdentifierPattern(value).matches(parseWorkloadIdentifier(changed))).toBe(false)
        else expect(code).toMatch(/^ERR_(?:IDENTIFIER|TRUST_DOMAIN)_/)
      }),
    )
  })

  it('whatever is accepted has nothing that a URL parser would change', () => {
    fc.assert(
      fc.property(fc.oneof(identifier, text), (value) => {
        if (codeOf(() => parseWorkloadIdentifier(value)) === 'ok') expect(new URL(value).href).toBe(value)
      }),
    )
  })
})

describe('encodings', () => {
  it('base64url: parse of format is the identity, and Buffer agrees', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        const formatted = formatBase64url(octets)
        expect(formatted).toBe(Buffer.from(octets).toString('base64url'))
        expect(parseBase64url(formatted)).toEqual(octets)
      }),
    )
  })

  it('base64url: format of parse is the identity: every octet string has one form', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{0,40}$/), (value) => {
        if (codeOf(() => parseBase64url(value)) === 'ok') expect(formatBase64url(parseBase64url(value))).toBe(value)
      }),
    )
  })

  it('strict JSON: reads what JSON.stringify writes, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8, noUnicodeString: false }), fc.nat({ max: 3 }), (value, indent) => {
        const written = JSON.stringify(value, null, indent)
        fc.pre(!written.includes('__proto__') && utf8(written).length <= 16_384)
        const code = codeOf(() => parseStrictJson(utf8(written)))
        if (written.isWellFormed() && !/\\ud[89a-f]/.test(written)) expect(code).toBe('ok')
        if (code === 'ok') expect(parseStrictJson(utf8(written))).toEqual(JSON.parse(written))
      }),
    )
  })

  it('strict JSON: refuses any member that is written twice', () => {
    const name = fc.string().filter((value) => value.isWellFormed() && value !== '__proto__')
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(), (names, from, to) => {
        const members = names.map((value) => `${JSON.stringify(value)}:1`)
        members.splice(to % (members.length + 1), 0, members[from % members.length] ?? '')
        expect(codeOf(() => parseStrictJson(utf8(`{${members.join(',')}}`)))).toBe('ERR_ENCODING_JSON')
      }),
    )
  })
})

describe('replay store', () => {
  it('agrees with a list that remembers everything', () => {
    const step = fc.record({
      scope: fc.constantFrom('a', 'b'),
      id: fc.constantFrom('1', '2', '3', '4'),
      lives: fc.integer({ min: 1, max: 5 }),
      passes: fc.nat({ max: 2 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = inMemoryReplayStore({ capacity: 5, capacityPerScope: 3 })
        let known: { key: string; scope: string; until: number }[] = []
        let now = 1000
        for (const { scope, id, lives, passes } of steps) {
          now += passes
          known = known.filter(({ until }) => until > now)
          const key = `${scope}/${id}`
          const full = known.length >= 5 || known.filter((entry) => entry.scope === scope).length >= 3
          const expected = known.some((entry) => entry.key === key) ? 'false' : full ? 'ERR_REPLAY_STORE_FULL' : 'true'
          let got = ''
          const code = codeOf(() => {
            got = String(store.record({ scope, id, expiresAt: now + lives }, now))
          })
          expect(code === 'ok' ? got : code).toBe(expected)
          if (expected === 'true') known.push({ key, scope, until: now + lives })
          expect(store.size).toBe(known.length)
        }
      }),
    )
  })
})
