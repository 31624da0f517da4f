import { readFileSync } from 'node:fs'
import { errorAnswer, inMemoryReplayStore, parseTrustDomain, requestViewOfParts } from '@wimse/core'
import type { Verifier } from '@wimse/keys'
import { createTestRuntime } from '@wimse/testing'
import { staticTrust } from '@wimse/trust'
import { readWitField, verifyWit, WIT_FIELD } from '@wimse/wit'
import { describe, expect, it } from 'vitest'
import { makeWptVectors, type WptVector, type WptVectors } from '../scripts/wpt-vectors.ts'
import { hashToken, type VerifiedWpt, verifyWpt } from '../src/index.ts'

const read = (name: string): string => readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')

describe('vectors/wpt.json', () => {
  const text = read('wpt.json')
  const file = JSON.parse(text) as WptVectors
  const { clockToleranceSeconds, maxLifetimeSeconds, profile } = file
  const runtime = createTestRuntime({ now: file.now * 1000 })
  const trust = staticTrust(file.trust, { runtime })

  async function authenticate({ request, audience = file.audience, contextFields = [], sentBefore }: WptVector): Promise<VerifiedWpt> {
    const view = requestViewOfParts({ ...request, scheme: 'https', authority: 'payments.shop.example' })
    const replay = inMemoryReplayStore({ capacity: 10 })
    const once = async (): Promise<VerifiedWpt> => {
      const wit = await verifyWit(readWitField(view.fields), { trust, profile, clockToleranceSeconds, runtime })
      return verifyWpt(view, { wit, audience, contextFields, replay, clockToleranceSeconds, maxLifetimeSeconds, runtime })
    }
    if (sentBefore) await once()
    return once()
  }

  it('is what the generator makes', async () => {
    expect(JSON.parse(JSON.stringify(await makeWptVectors(text)))).toEqual(JSON.parse(text))
  })

  it.each(file.vectors)('$title: $expect.result ($requirements)', async (vector) => {
    const { expect: expected } = vector
    if (expected.result === 'accepted') expect((await authenticate(vector)).identifier).toBe(expected.identifier)
    else {
      const { code, reason, status } = expected
      await expect(authenticate(vector)).rejects.toMatchObject({ code, reason })
      expect(errorAnswer(code, { takesWpt: true }).status).toBe(status)
    }
  })
})

interface DraftExamples {
  readonly audience: string
  readonly target: string
  readonly now: number
  readonly examples: readonly {
    readonly title: string
    readonly wit: string
    readonly wpt: string
    readonly wth: string
    readonly fields: readonly (readonly [string, string])[]
    readonly oth?: Readonly<Record<string, string>>
  }[]
}

describe('vectors/draft-examples.json', () => {
  const { audience, target, now, examples } = JSON.parse(read('draft-examples.json')) as DraftExamples
  const runtime = createTestRuntime({ now: now * 1000 })
  // The key of the issuer is not published: its WITs are taken as they are, and everything else about them is judged.
  const issuer = { verify: () => true } as unknown as Verifier
  const authority = { keyId: 'June 5', fits: () => true, verifier: () => issuer, jwk: {} }
  const trust = staticTrust([{ trustDomain: parseTrustDomain('example.com'), witAuthorities: [authority] }])

  it.each(examples)('WPT-2-17, WPT-2-23, WPT-2-32: $title holds', async ({ wit: token, wpt, wth, fields, oth = {} }) => {
    expect(await hashToken(token, runtime)).toBe(wth)
    for (const [name, value] of fields) expect(await hashToken(value, runtime)).toBe(oth[name.toLowerCase()])
    const wit = await verifyWit(token, { trust, profile: 'wimse', runtime })
    const request = { path: target, fields: [[WIT_FIELD, token], ['Authorization', `WPT ${wpt}`], ...fields] as const }
    const options = { wit, audience, contextFields: Object.keys(oth), runtime }
    const proof = await verifyWpt(request, { ...options, replay: inMemoryReplayStore({ capacity: 1 }) })
    expect(proof.identifier).toBe('wimse://example.com/specific-workload')
    const changed = {
      ...request,
      fields: request.fields.map(([name, value]) => [name, name.startsWith('X-') ? `${value}x` : value] as const),
    }
    const again = verifyWpt(changed, { ...options, replay: inMemoryReplayStore({ capacity: 1 }) })
    if (fields.length > 0) await expect(again).rejects.toMatchObject({ code: 'ERR_WPT_OTH' })
    else await expect(again).resolves.toMatchObject({ jti: proof.jti })
  })
})
