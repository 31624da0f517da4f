import { utf8 } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatActorChain,
  formatScope,
  GRANT_TYPES,
  parseActorChain,
  parseScope,
  parseTokenExchangeRequest,
  parseTokenRequest,
  processServerMetadataResponse,
  processTokenExchangeResponse,
  TOKEN_TYPES,
  tokenExchangeRequest,
} from '../src/index.ts'
import { formatForm, parseForm } from '../src/protocol/form-parameters.ts'
import { codeOf, ENDPOINT, SHOP } from './support/world.ts'

const CODED = /^(?:ok|ERR_[A-Z0-9_]+)$/
const parseOptions = {
  grantTypes: [GRANT_TYPES.tokenExchange, GRANT_TYPES.jwtBearer],
  subjectTokenTypes: [TOKEN_TYPES.accessToken, TOKEN_TYPES.jwt],
  actorTokenTypes: [TOKEN_TYPES.jwt],
}
/** Texts without control characters and lone surrogates: what a parameter can hold. */
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => !/\p{Cc}/u.test(value))
const scopeValue = fc.stringMatching(/^[!#-[\]-~]{1,10}$/)
const scope = fc.uniqueArray(scopeValue, { minLength: 1, maxLength: 8 })
const name = fc.string({ minLength: 1, maxLength: 20 })
const actor = fc.oneof(
  name.map((sub) => ({ sub })),
  fc.tuple(name, name).map(([sub, iss]) => ({ sub, iss })),
)

describe('what is formatted is read as it was', () => {
  it('a form', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([key]) => key, maxLength: 10 }), (pairs) => {
        const known = new Set(pairs.map(([key]) => key))
        expect([...parseForm(formatForm(pairs), { known, repeatable: new Set() })]).toEqual(pairs.map(([key, value]) => [key, [value]]))
      }),
    )
  })

  it('TEX-4.2-01: a scope', () => {
    fc.assert(
      fc.property(scope, (values) => {
        expect(parseScope(formatScope(values))).toEqual(values)
      }),
    )
  })

  it('TEX-4.1-03: a chain of actors', () => {
    fc.assert(
      fc.property(fc.array(actor, { maxLength: 4 }), (chain) => {
        expect(parseActorChain(formatActorChain(chain))).toEqual(chain)
      }),
    )
  })

  it('a request', async () => {
    const object = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.integer(), text), { maxKeys: 4 })
    const request = fc.record(
      {
        audience: fc.array(text, { maxLength: 2 }),
        scope,
        requestContext: object,
        requestDetails: object,
        actorToken: fc.record({ token: text, type: fc.constant(TOKEN_TYPES.jwt) }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(text, request, async (token, options) => {
        const subjectToken = { token, type: TOKEN_TYPES.accessToken }
        const read = await parseTokenExchangeRequest(tokenExchangeRequest(ENDPOINT, { subjectToken, ...options }), parseOptions)
        const { audience = [], ...others } = options
        expect(read).toMatchObject({ subjectToken, audiences: audience, ...others })
      }),
    )
  })
})

describe('arbitrary input ends in a value or a coded error', () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }

  it('as a body', async () => {
    const pair = fc
      .tuple(fc.constantFrom('grant_type', 'subject_token', 'subject_token_type', 'scope', 'resource', 'request_context', 'x'), fc.string())
      .map(([key, value]) => `${key}=${value}`)
    const body = fc.oneof(
      fc.uint8Array(),
      fc.array(pair).map((pairs) => utf8(pairs.join('&'))),
      fc.string({ unit: 'binary' }).map(utf8),
    )
    await fc.assert(
      fc.asyncProperty(body, async (octets) => {
        const request = new Request(ENDPOINT, { method: 'POST', headers, body: new Uint8Array(octets) })
        expect(await codeOf(parseTokenRequest(request, parseOptions))).toMatch(/^ERR_[A-Z0-9_]+$/)
      }),
      { numRuns: 200 },
    )
  })

  it('as a response, and as metadata', async () => {
    const member = fc.constantFrom('access_token', 'issued_token_type', 'token_type', 'expires_in', 'scope', 'issuer', 'error', 'jwks_uri')
    const body = fc.oneof(
      fc.string(),
      fc.dictionary(member, fc.jsonValue()).map((value) => JSON.stringify(value)),
    )
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(200, 400, 500), async (answer, status) => {
        const response = (): Response => new Response(answer, { status, headers: { 'content-type': 'application/json' } })
        expect(await codeOf(processTokenExchangeResponse(response(), { expectedTokenType: undefined }))).toMatch(CODED)
        expect(await codeOf(processServerMetadataResponse(response(), { issuer: SHOP }))).toMatch(/^ERR_[A-Z0-9_]+$/)
      }),
      { numRuns: 300 },
    )
  })

  it('as a scope, and as a chain of actors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (value) => {
        expect(await codeOf(() => parseScope(value))).toMatch(CODED)
        expect(await codeOf(() => parseActorChain(value))).toMatch(CODED)
      }),
    )
  })
})
