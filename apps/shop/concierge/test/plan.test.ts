import { type JsonObject, parseStrictJsonObject } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan } from '../src/plan.ts'

const items = [
  { item: 'teapot', amount: 45 },
  { item: 'espresso-machine', amount: 900 },
]

describe('the plan', () => {
  const wishes: readonly (readonly [want: string, item: string | undefined])[] = [
    ['a teapot', 'teapot'],
    ['TEA please', 'teapot'],
    ['the best espresso', 'espresso-machine'],
    ['a dragon', undefined],
    ['a te', undefined],
    ['', undefined],
  ]
  test.each(wishes)('for %j is %s', (want, item) => {
    expect(plan(want, { items })?.item).toBe(item)
  })

  test.each<JsonObject>([{}, { items: 'teapot' }, { items: [null, 'teapot', { item: 'teapot' }] }])(
    'from the catalog %j is none',
    (catalog) => {
      expect(plan('a teapot', catalog)).toBeUndefined()
    },
  )

  test('is made of whatever comes, or not made', () => {
    fc.assert(
      // A member of that name ends with the reader, before anything is planned.
      fc.property(fc.string(), fc.dictionary(fc.constantFrom('items', 'other'), fc.jsonValue().filter(isStrict)), (want, catalog) => {
        plan(want, parseStrictJsonObject(new TextEncoder().encode(JSON.stringify(catalog))))
      }),
    )
  })
})

function isStrict(value: unknown): boolean {
  return !JSON.stringify(value).includes('"__proto__"')
}
