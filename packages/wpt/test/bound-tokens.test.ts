import type { ErrorCode, FieldLines } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashToken, type WptVerifierOptions } from '../src/index.ts'
import { codeOf, createWorld, type Forgery, requestWith, type World } from './support/world.ts'

let world: World
let hash: (text: string) => string
beforeAll(async () => {
  world = await createWorld()
  hash = (text) => String(hashToken(text, world.runtime))
})

type Options = Partial<WptVerifierOptions>

/** Verifies a forged proof. */
async function outcome(forgery: Forgery, options?: Options, fields?: FieldLines): Promise<string> {
  return codeOf(world.verify(requestWith(`WPT ${await world.forge(forgery)}`, fields), options))
}

describe('the hash of a token', () => {
  // SHA-256 of "abc" (FIPS 180-4), and of the example of the working group.
  it.each([
    ['abc', 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'],
    ['some-example-other-token', 'x-Uy6Ch_xn3AbUVKDjPMQQugtcn2erLWrkvVWAmKl1k'],
    ['', '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'],
  ])('WPT-2-17, WPT-2-19, WPT-2-23: of %j is known', (token, known) => {
    expect(hash(token)).toBe(known)
  })
})

describe('other tokens of the request', () => {
  const txn: FieldLines = [['Txn-Token', 'h.c.s']]
  const context: FieldLines = [['X-User-Token', '  Bearer abc \t']]
  const declared = { contextFields: ['X-User-Token'] }

  it('WPT-2-18, WPT-2-19, WPT-2-39, WPT-2.2-05: a transaction token that is bound is accepted', async () => {
    expect(await outcome({ claims: { tth: hash('h.c.s') } }, {}, txn)).toBe('ok')
  })

  it('WPT-2-39, WPT-2-41: the verified proof says which tokens it binds, and no others', async () => {
    const claims = { tth: hash('h.c.s'), oth: { 'x-user-token': hash('Bearer abc') } }
    const request = requestWith(`WPT ${await world.forge({ claims })}`, [...txn, ...context])
    const { boundTokens } = await world.verify(request, declared)
    expect(boundTokens).toEqual({ 'txn-token': hash('h.c.s'), 'x-user-token': hash('Bearer abc') })
    expect((await world.verify(requestWith(`WPT ${await world.forge()}`))).boundTokens).toEqual({})
  })

  const rows: readonly (readonly [title: string, code: ErrorCode, claims: () => object, fields: FieldLines, options?: Options])[] = [
    ['WPT-2-18, WPT-2-39: a transaction token that is not bound', 'ERR_WPT_TTH_MISSING', () => ({}), txn],
    ['WPT-2-39: a transaction token that was replaced', 'ERR_WPT_TTH', () => ({ tth: hash('h.c.x') }), txn],
    ['WPT-2-19: the hash of the claims of a transaction token', 'ERR_WPT_TTH', () => ({ tth: hash('c') }), txn],
    ['WPT-2-19: a transaction token that is not ASCII', 'ERR_WPT_TTH', () => ({ tth: hash('h.ü.s') }), [['Txn-Token', 'h.ü.s']]],
    ['WPT-2.2-05: two transaction tokens', 'ERR_TXN_TOKEN_COUNT', () => ({ tth: hash('h.c.s') }), [...txn, ...txn]],
    [
      'WPT-2-42: a transaction token in oth',
      'ERR_WPT_OTH_UNKNOWN',
      () => ({ tth: hash('h.c.s'), oth: { 'txn-token': hash('h.c.s') } }),
      txn,
    ],
    ['WPT-2-20, WPT-2-40: a declared token that is not bound', 'ERR_WPT_OTH_MISSING', () => ({}), context, declared],
    ['WPT-2-40: a declared token that oth leaves out', 'ERR_WPT_OTH_MISSING', () => ({ oth: {} }), context, declared],
    [
      'WPT-2-40, WPT-2-41: a declared token that was replaced',
      'ERR_WPT_OTH',
      () => ({ oth: { 'x-user-token': hash('x') } }),
      context,
      declared,
    ],
    [
      'WPT-2-23: the hash of a token without its scheme',
      'ERR_WPT_OTH',
      () => ({ oth: { 'x-user-token': hash('abc') } }),
      context,
      declared,
    ],
    ['WPT-2-41: an entry whose field is missing', 'ERR_WPT_OTH', () => ({ oth: { 'x-user-token': hash('abc') } }), [], declared],
    ['WPT-2-41: an entry that is no text', 'ERR_WPT_OTH', () => ({ oth: { 'x-user-token': 1 } }), context, declared],
    [
      'WPT-2-24: an entry that is not in lower case',
      'ERR_WPT_OTH_UNKNOWN',
      () => ({ oth: { 'X-User-Token': hash('Bearer abc') } }),
      context,
      declared,
    ],
    ['WPT-2-42: an entry that is not declared', 'ERR_WPT_OTH_UNKNOWN', () => ({ oth: { 'x-user-token': hash('Bearer abc') } }), context],
    [
      'WPT-2-25: a bound field that occurs twice',
      'ERR_WPT_OTH_REPEATED',
      () => ({ oth: { 'x-user-token': hash('Bearer abc') } }),
      [...context, ...context],
      declared,
    ],
    [
      'WPT-2-25: a declared field that occurs twice and is not bound',
      'ERR_WPT_OTH_REPEATED',
      () => ({}),
      [...context, ...context],
      declared,
    ],
    [
      'WPT-2-23: a bound field that is not ASCII',
      'ERR_WPT_OTH',
      () => ({ oth: { 'x-user-token': hash('ü') } }),
      [['X-User-Token', 'ü']],
      declared,
    ],
    [
      'WPT-2-41: one good entry and one bad',
      'ERR_WPT_OTH',
      () => ({ oth: { 'x-user-token': hash('Bearer abc'), 'x-b': hash('other') } }),
      [...context, ['X-B', 'b']],
      { contextFields: ['x-user-token', 'x-b'] },
    ],
  ]
  it.each(rows.map(([title, code, claims, fields, options = {}]) => [title, code, claims, fields, options] as const))(
    '%s is refused',
    async (_title, code, claims, fields, options) => {
      expect(await outcome({ claims: claims() as Forgery['claims'] & object }, options, fields)).toBe(code)
    },
  )

  it('WPT-2-21, WPT-2-22, WPT-2-23, WPT-2-24, WPT-2-41: declared tokens that are bound are accepted', async () => {
    const oth = { 'x-user-token': hash('Bearer abc'), 'x-b': hash('b') }
    const options = { contextFields: ['x-user-token', 'X-B', 'x-absent'] }
    expect(await outcome({ claims: { oth } }, options, [...context, ['X-B', 'b']])).toBe('ok')
  })

  it('WPT-2-43: a token that nobody declared counts for nothing, bound or not', async () => {
    expect(await outcome({}, {}, context)).toBe('ok')
  })
})
