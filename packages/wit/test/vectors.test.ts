import { readFileSync } from 'node:fs'
import { createTestRuntime } from '@wimse/testing'
import { staticTrust } from '@wimse/trust'
import { describe, expect, it } from 'vitest'
import { makeWitVectors, type WitVectors } from '../scripts/wit-vectors.ts'
import { verifyWit } from '../src/index.ts'

const text = readFileSync(new URL('../vectors/wit.json', import.meta.url), 'utf8')
const { vectors, trust: bundles, now, ...limits } = JSON.parse(text) as WitVectors
const runtime = createTestRuntime({ now: now * 1000 })
const trust = staticTrust(bundles, { runtime })

describe('vectors/wit.json', () => {
  it('is what the generator makes', async () => {
    expect(JSON.parse(JSON.stringify(await makeWitVectors(text)))).toEqual(JSON.parse(text))
  })

  it('has accepted and refused ones of both profiles', () => {
    const kinds = new Set(vectors.map(({ profile, expect: { result } }) => `${profile} ${result}`))
    expect(kinds.size).toBe(4)
  })

  it.each(vectors)('$profile, $title: $expect.result ($requirements)', async ({ profile, token, expect: expected }) => {
    const { clockToleranceSeconds, maxLifetimeSeconds } = limits
    const verify = verifyWit(token, { trust, profile, clockToleranceSeconds, maxLifetimeSeconds, runtime })
    if (expected.result === 'accepted') expect((await verify).identifier).toBe(expected.identifier)
    else await expect(verify).rejects.toMatchObject({ code: expected.code, reason: expected.reason })
  })
})
