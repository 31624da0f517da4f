import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type BundleContents, formatBundleMap, formatSpiffeBundle, keyAuthority, parseBundleMap, parseSpiffeBundle } from '../src/index.ts'
import { codeOf, type Jwk, json, rootEntry, rootOf, runtime, SHOP, tokenKey } from './fixtures.ts'

let roots: readonly Uint8Array[]
let jwks: readonly Jwk[]
let document: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  const authorities = await Promise.all([rootOf(SHOP), rootOf(SHOP), rootOf()])
  roots = authorities.map(({ certificate }) => certificate)
  jwks = await Promise.all((['ES256', 'ES384', 'ES512', 'RS256', 'Ed25519'] as const).map((alg) => tokenKey('sig', undefined, alg)))
  document = json({ keys: [...authorities.map((root) => rootEntry(root)), await tokenKey('wit-svid', 'w1')], spiffe_sequence: 5 })
})

/** Contents without functions, so that they can be compared. */
function plain({ jwtAuthorities, witAuthorities, ...rest }: BundleContents): unknown {
  return { ...rest, jwt: jwtAuthorities?.map(({ jwk }) => jwk), wit: witAuthorities?.map(({ jwk }) => jwk) }
}

const arbitraryContents = (): fc.Arbitrary<BundleContents> =>
  fc
    .record({
      x509: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
      keys: fc.uniqueArray(fc.record({ kid: fc.string({ minLength: 1 }), jwk: fc.nat(4), jwt: fc.boolean(), anonymous: fc.boolean() }), {
        selector: ({ kid }) => kid,
        maxLength: 6,
      }),
      sequence: fc.option(fc.maxSafeNat()),
      refreshHintSeconds: fc.option(fc.nat()),
    })
    .map(({ x509, keys, sequence, refreshHintSeconds }) => {
      const make = (jwt: boolean) =>
        keys
          .filter((key) => key.jwt === jwt)
          .map(({ kid, jwk, anonymous }) => keyAuthority({ ...jwks[jwk], ...(anonymous && !jwt ? {} : { kid }) }, { runtime }))
      const empty = x509.length + keys.length === 0
      const kind = <K extends string, V>(name: K, values: readonly V[]) => (values.length > 0 || empty ? { [name]: values } : {})
      return {
        trustDomain: SHOP,
        ...kind(
          'x509Authorities',
          x509.map((index) => roots[index] as Uint8Array),
        ),
        ...kind('jwtAuthorities', make(true)),
        ...kind('witAuthorities', make(false)),
        ...(sequence === null ? {} : { sequence }),
        ...(refreshHintSeconds === null ? {} : { refreshHintSeconds }),
      }
    })

test('parse after format gives the same contents', () => {
  fc.assert(
    fc.property(arbitraryContents(), (contents) => {
      const parsed = parseSpiffeBundle(formatSpiffeBundle(contents), { trustDomain: SHOP, allowEmpty: true, runtime })
      expect(plain(parsed)).toEqual(plain(contents))
    }),
  )
})

test('parse after format gives the same map, refresh hints aside', () => {
  fc.assert(
    fc.property(arbitraryContents(), ({ refreshHintSeconds: _, ...contents }) => {
      const [parsed] = parseBundleMap(formatBundleMap([contents]), { allowEmpty: true, runtime })
      expect(parsed && plain(parsed)).toEqual(plain(contents))
    }),
  )
})

test('arbitrary octets throw nothing but coded errors', async () => {
  const step = async (octets: Uint8Array): Promise<void> => {
    await codeOf(() => parseSpiffeBundle(octets, { trustDomain: SHOP, runtime }))
    await codeOf(() => parseBundleMap(octets, { runtime }))
  }
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), step))
  await fc.assert(
    fc.asyncProperty(
      fc.json().map((text) => json(JSON.parse(text))),
      step,
    ),
  )
})

test('arbitrary JSON in the place of any member throws nothing but coded errors', async () => {
  const base = JSON.parse(new TextDecoder().decode(document)) as { readonly keys: readonly Jwk[] }
  const member = fc.constantFrom('kty', 'crv', 'x', 'y', 'use', 'kid', 'x5c', 'alg', 'key_ops', 'n', 'e')
  await fc.assert(
    fc.asyncProperty(fc.nat(3), member, fc.jsonValue(), async (index, name, value) => {
      const keys = base.keys.map((key, at) => (at === index ? { ...key, [name]: value } : key))
      await codeOf(() => parseSpiffeBundle(json({ keys }), { trustDomain: SHOP, runtime }))
    }),
  )
})

test('one octet changed throws nothing but coded errors', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(document.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const octets = document.map((octet, index) => (index === at ? octet ^ change : octet))
      await codeOf(() => parseSpiffeBundle(octets, { trustDomain: SHOP, runtime }))
    }),
    { numRuns: 500 },
  )
})
