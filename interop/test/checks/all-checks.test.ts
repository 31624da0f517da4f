import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allChecks } from '../../src/checks/all-checks.ts'

const catalogue = join(import.meta.dirname, '../../../spec/requirements')
const known = new Set(
  readdirSync(catalogue)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => (JSON.parse(readFileSync(join(catalogue, name), 'utf8')) as { requirements: { id: string }[] }).requirements)
    .map(({ id }) => id),
)

describe('allChecks', () => {
  it('gives every check an id of its own that begins with its scenario and names what it is about', () => {
    const ids = allChecks.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, scenario } of allChecks) expect(id).toMatch(new RegExp(`^${scenario}(\\.[a-z0-9-]+){2,}$`))
  })

  it('cites requirements that exist, at least one a check', () => {
    for (const { id, requirements } of allChecks) {
      expect(requirements.length, id).toBeGreaterThan(0)
      expect(new Set(requirements).size, id).toBe(requirements.length)
      expect(
        requirements.filter((requirement) => !known.has(requirement)),
        id,
      ).toEqual([])
    }
  })

  it.each(['mutual-tls', 'wpt', 'http-signature', 'http-signature-response', 'jwt-svid'])(
    'has attacks beside the positive checks of %s',
    (proof) => {
      for (const scenario of ['single-hop', 'cross-trust-domain']) {
        const about = allChecks.filter(({ id }) => id.startsWith(`${scenario}.${proof}.`))
        expect(about.filter(({ kind }) => kind === 'positive').length).toBeGreaterThan(0)
        expect(about.filter(({ kind }) => kind === 'attack').length).toBeGreaterThan(2)
      }
    },
  )

  const everywhere = ['expired', 'replayed', 'stolen', 'scope-widened', 'another-trust-domain', 'confused-audience']
  it.each([
    ['on-behalf-of-user', everywhere],
    ['chain-of-custody', [...everywhere, 'chain-cut', 'chain-reordered']],
    ['identity-chaining', [...everywhere, 'chain-cut', 'chain-reordered']],
    ['delegation', [...everywhere, 'chain-cut', 'chain-reordered']],
    ['ai-agent', [...everywhere, 'chain-cut', 'chain-reordered']],
    ['no-registration', everywhere],
    ['async-job', [...everywhere, 'chain-cut', 'chain-reordered']],
  ])('attacks %s in every way that there is', (scenario, ways) => {
    const attacks = allChecks.filter((check) => check.scenario === scenario && check.kind === 'attack').map(({ id }) => id)
    for (const way of ways) expect(attacks).toContainEqual(expect.stringMatching(new RegExp(`\\.${way}$`)))
  })

  it('reads what was printed and stored last, in every world', () => {
    for (const world of new Set(allChecks.map((check) => check.world ?? 'main'))) {
      const there = allChecks.filter((check) => (check.world ?? 'main') === world)
      const last = Math.max(...there.map(({ phase = 0 }) => phase))
      expect(there.filter(({ phase = 0 }) => phase === last).map(({ id }) => id)).toEqual([expect.stringContaining('.secrets.none')])
    }
  })
})
