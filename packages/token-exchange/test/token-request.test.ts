import { type ErrorCode, formatBase64url, isWimseError, type RequestView, requestViewOfRequest, utf8 } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import {
  allowInsecureEndpoint,
  GRANT_TYPES,
  JWT_SPIFFE_ASSERTION_TYPE,
  jwtBearerRequest,
  oauthErrorOf,
  type ParseTokenRequestOptions,
  parseJwtBearerRequest,
  parseTokenExchangeRequest,
  parseTokenRequest,
  TOKEN_TYPES,
  type TokenExchangeRequestOptions,
  tokenExchangeRequest,
} from '../src/index.ts'
import { BANK, codeOf, ENDPOINT, LEDGER, PAYMENTS, SHOP } from './support/world.ts'

const options: ParseTokenRequestOptions = {
  grantTypes: [GRANT_TYPES.tokenExchange, GRANT_TYPES.jwtBearer],
  subjectTokenTypes: [TOKEN_TYPES.accessToken, TOKEN_TYPES.unsignedJson, 'urn:example:custom'],
  actorTokenTypes: [TOKEN_TYPES.jwt],
}
const subjectToken = { token: 'a.b.c', type: TOKEN_TYPES.accessToken }
const MINIMAL = `grant_type=${encodeURIComponent(GRANT_TYPES.tokenExchange)}&subject_token=a.b.c&subject_token_type=${encodeURIComponent(TOKEN_TYPES.accessToken)}`
const BEARER = `grant_type=${encodeURIComponent(GRANT_TYPES.jwtBearer)}&assertion=a.b.c`

/** What looks like a grant; clients don't verify it. */
function grantFor(aud: unknown): string {
  return [{ alg: 'ES256' }, { aud }, {}].map((part) => formatBase64url(utf8(JSON.stringify(part)))).join('.')
}

function post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
}

describe('a request that a client made is what a server reads', () => {
  const rows: readonly (readonly [title: string, request: Omit<TokenExchangeRequestOptions, 'subjectToken'>, expected: object])[] = [
    ['TEX-2.1-01, TEX-2.1-04, TEX-2.1-16, TEX-2.1-17: with nothing more', {}, { subjectToken, audiences: [], resources: [] }],
    ['TEX-2.1-18, TEX-2.1-19: with an actor', { actorToken: { token: 'd', type: TOKEN_TYPES.jwt } }, { actorToken: { token: 'd' } }],
    ['TEX-2.1-10: with an audience', { audience: 'bank' }, { audiences: ['bank'] }],
    [
      'TEX-2.1-09, TEX-2.1-12: with several targets, in order',
      { audience: ['b', 'a'], resource: ['https://b.example/', 'https://a.example/'] },
      { audiences: ['b', 'a'], resources: ['https://b.example/', 'https://a.example/'] },
    ],
    [
      'TEX-2.1-05, TEX-2.1-07: with a query in a resource',
      { resource: 'https://a.example/?b=c' },
      { resources: ['https://a.example/?b=c'] },
    ],
    ['TEX-2.1-13: with a scope', { scope: ['read', 'Write'] }, { scope: ['read', 'Write'] }],
    ['TEX-2.1-14: with a requested type', { requestedTokenType: TOKEN_TYPES.jwt }, { requestedTokenType: TOKEN_TYPES.jwt }],
    ['TEX-2.1-15: without a requested type', {}, { requestedTokenType: undefined }],
    [
      'with the context of a transaction',
      { requestContext: { ip: '2001:db8::1' }, requestDetails: { amount: { value: 7, currency: '€' } } },
      { requestContext: { ip: '2001:db8::1' }, requestDetails: { amount: { value: 7, currency: '€' } } },
    ],
    [
      'with what the client authenticates with',
      {
        client: {
          parameters: [
            ['client_id', PAYMENTS],
            ['client_assertion_type', JWT_SPIFFE_ASSERTION_TYPE],
            ['client_assertion', 'x'],
          ],
          fields: [],
        },
      },
      { client: { clientId: PAYMENTS, assertionType: JWT_SPIFFE_ASSERTION_TYPE, assertion: 'x' } },
    ],
  ]
  it.each(rows)('%s', async (_title, request, expected) => {
    const made = tokenExchangeRequest(ENDPOINT, { subjectToken, ...request })
    expect([made.method, made.url, made.redirect]).toEqual(['POST', ENDPOINT, 'error'])
    expect(await parseTokenExchangeRequest(made, options)).toMatchObject({ grantType: GRANT_TYPES.tokenExchange, ...expected })
  })

  it('CHN-2-01, CHN-2.4-01, CHN-2.4.1-01, CHN-2.4.1-02, CHN-2.4.1-03, JAS-4-03: to redeem a grant', async () => {
    for (const aud of [BANK, [BANK], `${BANK}/token`]) {
      const assertion = grantFor(aud)
      const made = jwtBearerRequest(`${BANK}/token`, { assertion, issuer: BANK, scope: ['read'], resource: LEDGER })
      expect(await parseJwtBearerRequest(made)).toMatchObject({
        grantType: GRANT_TYPES.jwtBearer,
        assertion,
        scope: ['read'],
        resources: [LEDGER],
      })
    }
  })

  it('TEX-3-02: with a type of one’s own, and a subject that is JSON', async () => {
    for (const subject of [
      { token: 'x', type: 'urn:example:custom' },
      { token: '{"sub":"Zoë+1 & co=%"}', type: TOKEN_TYPES.unsignedJson },
    ]) {
      const made = tokenExchangeRequest(ENDPOINT, { subjectToken: subject })
      expect(await parseTokenExchangeRequest(made, options)).toMatchObject({ subjectToken: subject })
    }
  })

  it('over the raw view as well', async () => {
    expect(await parseTokenRequest(requestViewOfRequest(post(MINIMAL)), options)).toMatchObject({ subjectToken })
  })
})

describe('a client does not make', () => {
  const rows: readonly (readonly [title: string, endpoint: string, request: Partial<TokenExchangeRequestOptions>, code: ErrorCode])[] = [
    ['TEX-6-01: a request over plain http', 'http://tokens.shop.example/token', {}, 'ERR_INSECURE_CHANNEL'],
    ['a request to no URL', 'tokens', {}, 'ERR_OPTIONS_INVALID'],
    ['a request to another scheme', 'ftp://tokens.shop.example', {}, 'ERR_OPTIONS_INVALID'],
    ['a request to an endpoint with a fragment', `${ENDPOINT}#a`, {}, 'ERR_OPTIONS_INVALID'],
    ['TEX-3-01: a type that is no URI', ENDPOINT, { subjectToken: { token: 'x', type: 'jwt' } }, 'ERR_OPTIONS_INVALID'],
    ['TEX-2.1-16: an empty subject', ENDPOINT, { subjectToken: { token: '', type: TOKEN_TYPES.jwt } }, 'ERR_OPTIONS_INVALID'],
    ['TEX-2.1-06: a relative resource', ENDPOINT, { resource: '/api' }, 'ERR_OPTIONS_INVALID'],
    ['TEX-2.1-08: a resource with a fragment', ENDPOINT, { resource: 'https://a.example/#b' }, 'ERR_OPTIONS_INVALID'],
    ['an empty audience', ENDPOINT, { audience: '' }, 'ERR_OPTIONS_INVALID'],
    ['TEX-2.1-13: a scope with a quotation mark', ENDPOINT, { scope: ['"'] }, 'ERR_EXCHANGE_SCOPE'],
    ['TEX-2.1-13: a scope value with a space', ENDPOINT, { scope: ['a b'] }, 'ERR_EXCHANGE_SCOPE'],
  ]
  it.each(rows)('%s', async (_title, endpoint, request, code) => {
    expect(await codeOf(() => tokenExchangeRequest(endpoint, { subjectToken, ...request }))).toBe(code)
  })

  it.each([
    ['JAS-4-03: a grant for another server', { assertion: grantFor(SHOP) }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['JAS-4-03: a grant for several', { assertion: grantFor([BANK, SHOP]) }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['JAS-4-03: a grant for nobody', { assertion: grantFor(undefined) }, 'ERR_EXCHANGE_GRANT_AUD'],
    ['a grant that is no JWT', { assertion: 'x' }, 'ERR_EXCHANGE_GRANT_MALFORMED'],
    ['a grant for a resource that is none', { resource: 'x' }, 'ERR_OPTIONS_INVALID'],
    ['a grant for no issuer', { issuer: '' }, 'ERR_OPTIONS_INVALID'],
  ] as const)('to redeem %s', async (_title, change, code) => {
    expect(await codeOf(() => jwtBearerRequest(`${BANK}/token`, { assertion: grantFor(BANK), issuer: BANK, ...change }))).toBe(code)
  })

  it('but over plain http where the switch is on', () => {
    const made = tokenExchangeRequest('http://127.0.0.1:8080/token', { subjectToken, [allowInsecureEndpoint]: true })
    expect(made.url).toBe('http://127.0.0.1:8080/token')
  })
})

describe('a server refuses', () => {
  type Row = readonly [title: string, body: string, code: ErrorCode, error: string]
  const rows: readonly Row[] = [
    ['TEX-2.1-04: no grant type', 'subject_token=x', 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    ['an empty body', '', 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    ['TEX-2.1-04, CHN-2.4.1-01: another grant type', 'grant_type=password', 'ERR_EXCHANGE_GRANT_TYPE', 'unsupported_grant_type'],
    ['a grant type in other letters', MINIMAL.replace('grant-type', 'Grant-Type'), 'ERR_EXCHANGE_GRANT_TYPE', 'unsupported_grant_type'],
    ['TEX-2.1-16: no subject', MINIMAL.replace(/&.*/, ''), 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    ['TEX-2.1-16: an empty subject, which is none', MINIMAL.replace('a.b.c', ''), 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    [
      'TEX-2.1-17: no type of the subject',
      MINIMAL.replace(/&subject_token_type.*/, ''),
      'ERR_EXCHANGE_PARAMETER_MISSING',
      'invalid_request',
    ],
    [
      'TEX-2.1-17, TXN-11.2-03: a type of subject that it can not verify',
      MINIMAL.replace('access_token', 'refresh_token'),
      'ERR_EXCHANGE_TOKEN_TYPE',
      'invalid_request',
    ],
    ['TEX-3-01: a type that is no URI', MINIMAL.replace(/urn[^&]*access_token/, 'jwt'), 'ERR_EXCHANGE_TOKEN_TYPE', 'invalid_request'],
    ['TEX-2.1-19: an actor without a type', `${MINIMAL}&actor_token=x`, 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    [
      'TEX-2.1-20: the type of no actor',
      `${MINIMAL}&actor_token_type=${encodeURIComponent(TOKEN_TYPES.jwt)}`,
      'ERR_EXCHANGE_PARAMETER_MISSING',
      'invalid_request',
    ],
    [
      'TEX-2.1-22: an actor of a type that it can not verify',
      `${MINIMAL}&actor_token=x&actor_token_type=${encodeURIComponent(TOKEN_TYPES.idToken)}`,
      'ERR_EXCHANGE_TOKEN_TYPE',
      'invalid_request',
    ],
    ['TEX-3-01: a requested type that is no URI', `${MINIMAL}&requested_token_type=jwt`, 'ERR_EXCHANGE_TOKEN_TYPE', 'invalid_request'],
    ['TEX-2.1-06: a relative resource', `${MINIMAL}&resource=/api`, 'ERR_EXCHANGE_PARAMETER_MALFORMED', 'invalid_request'],
    [
      'TEX-2.1-08: a resource with a fragment',
      `${MINIMAL}&resource=https://a.example/%23b`,
      'ERR_EXCHANGE_PARAMETER_MALFORMED',
      'invalid_request',
    ],
    ['TEX-2.1.1-03: too many targets', `${MINIMAL}${'&audience=a'.repeat(5)}`, 'ERR_EXCHANGE_TARGET', 'invalid_target'],
    ['a scope with two spaces', `${MINIMAL}&scope=a++b`, 'ERR_EXCHANGE_SCOPE', 'invalid_scope'],
    ['a scope value twice', `${MINIMAL}&scope=a+a`, 'ERR_EXCHANGE_SCOPE', 'invalid_scope'],
    ['a scope with letters beyond ASCII', `${MINIMAL}&scope=%C3%A9`, 'ERR_EXCHANGE_SCOPE', 'invalid_scope'],
    ['a scope that is too long', `${MINIMAL}&scope=${'a'.repeat(4097)}`, 'ERR_EXCHANGE_SCOPE', 'invalid_scope'],
    ['TXN-11.1-08: a context that is no object', `${MINIMAL}&request_context=[]`, 'ERR_EXCHANGE_PARAMETER_MALFORMED', 'invalid_request'],
    [
      'TXN-11.1-09: details with a member twice',
      `${MINIMAL}&request_details=${encodeURIComponent('{"a":1,"a":2}')}`,
      'ERR_EXCHANGE_PARAMETER_MALFORMED',
      'invalid_request',
    ],
    ['a context that is no JSON', `${MINIMAL}&request_context=x`, 'ERR_EXCHANGE_PARAMETER_MALFORMED', 'invalid_request'],
    ['a parameter twice', `${MINIMAL}&scope=a&scope=b`, 'ERR_EXCHANGE_PARAMETER_REPEATED', 'invalid_request'],
    ['a parameter twice, once without a value', `${MINIMAL}&scope=a&scope=`, 'ERR_EXCHANGE_PARAMETER_REPEATED', 'invalid_request'],
    ['the subject twice', `${MINIMAL}&subject_token=x`, 'ERR_EXCHANGE_PARAMETER_REPEATED', 'invalid_request'],
    ['an unknown parameter', `${MINIMAL}&x=y`, 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 'invalid_request'],
    ['a client secret', `${MINIMAL}&client_secret=y`, 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 'invalid_request'],
    ['a parameter of the other grant type', `${MINIMAL}&assertion=y`, 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 'invalid_request'],
    ['the same the other way round', `${BEARER}&subject_token=y`, 'ERR_EXCHANGE_PARAMETER_UNKNOWN', 'invalid_request'],
    ['CHN-2.4.1-02: no assertion', BEARER.replace(/&.*/, ''), 'ERR_EXCHANGE_PARAMETER_MISSING', 'invalid_request'],
    ['CHN-2.4.1-02: two assertions', `${BEARER}&assertion=x`, 'ERR_EXCHANGE_PARAMETER_REPEATED', 'invalid_request'],
    ['a subject that is too large', MINIMAL.replace('a.b.c', 'x'.repeat(16_385)), 'ERR_EXCHANGE_PARAMETER_TOO_LARGE', 'invalid_request'],
    ['an audience that is too large', `${MINIMAL}&audience=${'x'.repeat(2049)}`, 'ERR_EXCHANGE_PARAMETER_TOO_LARGE', 'invalid_request'],
    ['a client_id that is too large', `${MINIMAL}&client_id=${'x'.repeat(2049)}`, 'ERR_EXCHANGE_PARAMETER_TOO_LARGE', 'invalid_request'],
    ['a percent sign alone', `${MINIMAL}&scope=%`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['octets that are no UTF-8', `${MINIMAL}&scope=%ff`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['a line break', `${MINIMAL}&audience=a%0ab`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['letters that are not encoded', `${MINIMAL}&audience=é`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['a parameter without a name', `${MINIMAL}&=x`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['nothing between two separators', `${MINIMAL}&&scope=a`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['too many parameters', `${MINIMAL}${'&audience='.repeat(80)}`, 'ERR_EXCHANGE_FORM', 'invalid_request'],
    ['more than it reads', `${MINIMAL}&audience=${'x'.repeat(70_000)}`, 'ERR_MESSAGE_BODY_TOO_LARGE', 'invalid_request'],
  ]
  it.each(rows)('%s', async (_title, body, code, error) => {
    expect(await codeOf(parseTokenRequest(post(body), options))).toBe(code)
    expect(oauthErrorOf(code).error).toBe(error)
  })

  it('TEX-2.1-01: another method, and a body that is no form', async () => {
    const json = { 'content-type': 'application/json' }
    expect(await codeOf(parseTokenRequest(new Request(`${ENDPOINT}?${MINIMAL}`), options))).toBe('ERR_EXCHANGE_METHOD')
    expect(await codeOf(parseTokenRequest(post('{}', json), options))).toBe('ERR_EXCHANGE_CONTENT_TYPE')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded; charset=latin1', 'application/x-www-form-urlencodedx']) {
      expect(await codeOf(parseTokenRequest(post(MINIMAL, { 'content-type': type }), options))).toBe('ERR_EXCHANGE_CONTENT_TYPE')
    }
    expect(await codeOf(parseTokenRequest(post(MINIMAL, { 'content-encoding': 'gzip' }), options))).toBe('ERR_EXCHANGE_CONTENT_TYPE')
  })

  it('TEX-2.1-01: takes a form in UTF-8, and not two types', async () => {
    const typed = post(MINIMAL, { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' })
    expect(await codeOf(parseTokenRequest(typed, options))).toBe('ok')
    const view: RequestView = requestViewOfRequest(post(MINIMAL))
    const twice = { ...view, fields: [...view.fields, ['Content-Type', 'application/x-www-form-urlencoded'] as const] }
    expect(await codeOf(parseTokenRequest(twice, options))).toBe('ERR_EXCHANGE_CONTENT_TYPE')
  })

  it('octets that are no text', async () => {
    expect(await codeOf(parseTokenRequest(post(new Uint8Array([...utf8(MINIMAL), 0xff])), options))).toBe('ERR_EXCHANGE_FORM')
    expect(await codeOf(parseTokenRequest(post(new Uint8Array([0])), options))).toBe('ERR_EXCHANGE_FORM')
    expect(await codeOf(parseTokenRequest(post(`\uFEFF${MINIMAL}`), options))).toBe('ERR_EXCHANGE_FORM')
  })

  it('to read without a limit', async () => {
    for (const limit of ['maxRequestBytes', 'maxTargets', 'maxTokenBytes'] as const) {
      expect(await codeOf(parseTokenRequest(post(MINIMAL), { ...options, [limit]: Number.NaN }))).toBe('ERR_OPTIONS_INVALID')
    }
  })

  it('a grant type that this endpoint has not', async () => {
    expect(await codeOf(parseTokenExchangeRequest(post(BEARER), options))).toBe('ERR_EXCHANGE_GRANT_TYPE')
    expect(await codeOf(parseJwtBearerRequest(post(MINIMAL)))).toBe('ERR_EXCHANGE_GRANT_TYPE')
  })

  it('a requested type that it does not issue', async () => {
    const form = `${MINIMAL}&requested_token_type=${encodeURIComponent(TOKEN_TYPES.jwt)}`
    expect(await codeOf(parseTokenRequest(post(form), { ...options, requestedTokenTypes: [TOKEN_TYPES.jwt] }))).toBe('ok')
    expect(await codeOf(parseTokenRequest(post(form), { ...options, requestedTokenTypes: [] }))).toBe('ERR_EXCHANGE_TOKEN_TYPE')
  })

  it('nothing for a parameter that it does not know where it is told to ignore those, as RFC 6749 has it', async () => {
    const lenient = { ...options, unknownParameters: 'ignore' } as const
    expect(await parseTokenRequest(post(`${MINIMAL}&x=y&x=z&assertion=q`), lenient)).toMatchObject({ subjectToken })
  })

  it('and tells nothing of what was sent', async () => {
    const secret = 'c2VjcmV0LXRva2Vu'
    for (const body of [MINIMAL.replace('a.b.c', `${secret}%0a`), `${MINIMAL}&${secret}=x`, `${MINIMAL}&resource=${secret}`]) {
      const error: unknown = await parseTokenRequest(post(body), options).catch((cause: unknown) => cause)
      if (!isWimseError(error)) throw new Error('no error')
      expect(JSON.stringify([error.message, error.detail, String(error.cause), error.stack])).not.toContain(secret)
    }
  })
})
