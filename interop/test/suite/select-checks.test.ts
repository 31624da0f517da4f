import { describe, expect, it } from 'vitest'
import { selectChecks, unknownChecks } from '../../src/suite/select-checks.ts'
import { fakeCheck } from './fake-driver.ts'

const checks = [
  fakeCheck('single-hop.wpt.accepted'),
  fakeCheck('single-hop.wpt.accepted.ec-p384', { world: 'ec-p384' }),
  fakeCheck('single-hop.wpt-like.accepted'),
  fakeCheck('rotation.stream.begins', { scenario: 'rotation' }),
  fakeCheck('single-hop.secrets.none', { always: true }),
  fakeCheck('single-hop.secrets.none.ec-p384', { always: true, world: 'ec-p384' }),
]
const select = (scenarios: readonly 'rotation'[], names: readonly string[]): string[] =>
  selectChecks(checks, { scenarios, checks: names }).map(({ id }) => id)

describe('selectChecks', () => {
  it('takes everything when nothing is asked for', () => {
    expect(select([], [])).toHaveLength(checks.length)
  })

  it('takes along what always runs in the worlds of a scenario, and not in others', () => {
    expect(select(['rotation'], [])).toEqual(['rotation.stream.begins', 'single-hop.secrets.none'])
  })

  it('takes a check and what stands below it, and no name that only begins alike', () => {
    expect(select([], ['single-hop.wpt'])).toEqual(['single-hop.wpt.accepted', 'single-hop.wpt.accepted.ec-p384'])
    expect(select([], ['single-hop.wpt.accepted.ec-p384'])).toEqual(['single-hop.wpt.accepted.ec-p384'])
  })

  it('takes what fits both, scenario and name', () => {
    expect(select(['rotation'], ['single-hop.wpt'])).toEqual([])
  })
})

describe('unknownChecks', () => {
  it('tells the names that mean nothing', () => {
    expect(unknownChecks(checks, { scenarios: [], checks: ['single-hop.wpt', 'single-hop.wp', 'nothing'] })).toEqual([
      'single-hop.wp',
      'nothing',
    ])
  })
})
