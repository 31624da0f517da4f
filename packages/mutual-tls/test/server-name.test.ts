import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesDnsName } from '../src/index.ts'

describe('MTLS-3.2.1-02: DNS names as RFC 9525 section 6.3 compares them', () => {
  it.each([
    ['a.example', 'a.example'],
    ['A.Example', 'a.eXample.'],
    ['*.example', 'a.example'],
    ['localhost', 'localhost'],
  ])('%s matches %s', (presented, used) => {
    expect(matchesDnsName(presented, used)).toBe(true)
  })

  it.each([
    ['a.example', 'b.example'],
    ['*.example', 'example'],
    ['*.example', 'a.b.example'],
    ['*.example', '.example'],
    ['a*.example', 'ab.example'],
    ['*.*.example', 'a.b.example'],
    ['a.*.example', 'a.b.example'],
    ['*', 'localhost'],
    ['*.', 'localhost.'],
    ['*.example', '*.example'],
    ['', ''],
  ])('%s does not match %s', (presented, used) => {
    expect(matchesDnsName(presented, used)).toBe(false)
  })

  it('a name matches itself, and nothing that has another number of labels', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), label, (labels, more) => {
        const name = labels.join('.')
        expect(matchesDnsName(name, name)).toBe(true)
        expect(matchesDnsName(name, `${more}.${name}`)).toBe(false)
        expect(matchesDnsName(`*.${name}`, `${more}.${name}`)).toBe(true)
      }),
    )
  })
})
