import { type FieldLines, formatBase64url, inMemoryReplayStore, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWpt, readWptField, targetAudience } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, forgeJws, PATH, requestWith, type World } from './support/world.ts'

const CODED = /^ERR_[A-Z0-9_]+$/
let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Each attempt has a store of its own, so that nothing is refused merely as seen before. */
async function outcome(authorization: string, fields: FieldLines = [], path = PATH): Promise<string> {
  const replay = inMemoryReplayStore({ capacity: 1 })
  return codeOf(world.verify(requestWith(authorization, fields, path), { replay, contextFields: ['x-ctx'] }))
}

describe('a change of an accepted request is refused', () => {
  const fields: FieldLines = [
    ['Txn-Token', 'header.claims.signature'],
    ['X-Ctx', 'Bearer abc'],
  ]
  const create = (): Promise<string> =>
    createWpt({
      credential: world.credential,
      audience: AUDIENCE + PATH,
      transactionToken: 'header.claims.signature',
      contextTokens: { 'x-ctx': 'Bearer abc' },
      runtime: world.runtime,
    })

  it('WPT-2-32: of each character of the proof', async () => {
    const authorization = await create()
    expect(await outcome(authorization, fields)).toBe('ok')
    for (let at = 4; at < authorization.length; at += 1) {
      const changed = authorization.slice(0, at) + (authorization[at] === 'A' ? 'B' : 'A') + authorization.slice(at + 1)
      expect(await outcome(changed, fields), `at ${at}`).toMatch(CODED)
    }
  })

  it('WPT-2-32, WPT-2-39, WPT-2-41, WPT-2-34: of any character of the proof, of the tokens that it binds, of the path', async () => {
    const authorization = await create()
    const places = fc.constantFrom('proof', 'txn-token', 'x-ctx', 'path')
    await fc.assert(
      fc.asyncProperty(places, fc.nat(), fc.integer({ min: 0x21, max: 0xff }), async (place, at, code) => {
        const change = (text: string, from = 0): string => {
          const index = from + (at % (text.length - from))
          return text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
        }
        const changedProof = place === 'proof' ? change(authorization, 4) : authorization
        const changedFields = fields.map(([name, value]) => [name, name.toLowerCase() === place ? change(value) : value] as const)
        const path = place === 'path' ? change(PATH) : PATH
        fc.pre(JSON.stringify([changedProof, changedFields, path]) !== JSON.stringify([authorization, fields, PATH]))
        expect(await outcome(changedProof, changedFields, path)).toMatch(CODED)
      }),
      { numRuns: 500 },
    )
  })

  it('WPT-2-37: of each character of the WIT', async () => {
    const { token } = world.credential
    for (let at = 0; at < token.length; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(await codeOf(world.verifyWit(changed)), `at ${at}`).toMatch(CODED)
    }
  })
})

describe('arbitrary input ends in a coded error', () => {
  it('as fields and path', async () => {
    const name = fc.constantFrom('authorization', 'Authorization', 'txn-token', 'x-ctx', 'x')
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `WPT ${text}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value)), fc.string(), async (fields, path) => {
        expect(await codeOf(world.verify({ fields, path }))).toMatch(CODED)
        expect(await codeOf(() => readWptField(fields))).toMatch(/^(?:ok|ERR_WPT_AUTHORIZATION_COUNT|ERR_WPT_SCHEME|ERR_WPT_MALFORMED)$/)
      }),
      { numRuns: 300 },
    )
  })

  it('as three parts', async () => {
    const shaped = fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map((part) => formatBase64url(utf8(part))).join('.'))
    await fc.assert(
      fc.asyncProperty(shaped, async (token) => {
        expect(await outcome(`WPT ${token}`)).toMatch(CODED)
      }),
    )
  })

  it('as any one member of a proof that is signed by the right key', async () => {
    const members = [
      'header.typ',
      'header.alg',
      'header.kid',
      'claims.aud',
      'claims.exp',
      'claims.jti',
      'claims.wth',
      'claims.tth',
      'claims.oth',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...members),
        fc.jsonValue(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        async (path, value, claims) => {
          const [place = '', member = ''] = path.split('.')
          const forged = await world.forge({ [place]: { [member]: value } })
          expect(await outcome(`WPT ${forged}`)).toMatch(/^(?:ok|ERR_[A-Z0-9_]+)$/)
          const other = await forgeJws({ typ: 'wpt+jwt', alg: 'ES256' }, claims, world.credential.signer)
          expect(await outcome(`WPT ${other}`)).toMatch(CODED)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('as a target or options of a sender', async () => {
    const text = fc.oneof(fc.string(), fc.webUrl())
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.dictionary(text, text),
        fc.option(text, { nil: undefined }),
        async (target, contextTokens, transactionToken) => {
          expect(await codeOf(() => targetAudience(target))).toMatch(/^(?:ok|ERR_OPTIONS_INVALID)$/)
          const options = { credential: world.credential, audience: target, contextTokens, runtime: world.runtime }
          const made = createWpt(transactionToken === undefined ? options : { ...options, transactionToken })
          expect(await codeOf(made)).toMatch(/^(?:ok|ERR_OPTIONS_INVALID)$/)
        },
      ),
    )
  })
})

it('what is created verifies to what was asked for', async () => {
  const visible = fc.stringMatching(/^[!-~](?:[ -~]{0,30}[!-~])?$/)
  const name = fc.stringMatching(/^x-[a-z0-9]{1,10}$/)
  const path = fc.webPath().map((text) => (text.startsWith('/') ? text : `/${text}`))
  await fc.assert(
    fc.asyncProperty(path, visible, fc.dictionary(name, visible), async (target, transactionToken, contextTokens) => {
      const audience = targetAudience(`${AUDIENCE}${target}`)
      const authorization = await createWpt({
        credential: world.credential,
        audience,
        transactionToken,
        contextTokens,
        runtime: world.runtime,
      })
      const fields: FieldLines = [['Txn-Token', transactionToken], ...Object.entries(contextTokens)]
      const contextFields = Object.keys(contextTokens)
      const request = requestWith(authorization, fields, new URL(`${AUDIENCE}${target}`).pathname)
      expect(await world.verify(request, { contextFields })).toMatchObject({ audience, identifier: world.credential.identifier })
    }),
  )
})
