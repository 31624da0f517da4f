import { type ErrorCode, errorTable } from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import { createTestRuntime, type TestRuntime } from '@wimse/testing'
import { describe, expect, it } from 'vitest'
import {
  accessTokenResponse,
  allowInsecureEndpoint,
  chooseAuthenticationMethod,
  oauthErrorOf,
  oauthErrorResponse,
  processAccessTokenResponse,
  processServerMetadataResponse,
  processTokenExchangeResponse,
  remoteIssuerKeys,
  type ServerMetadataOptions,
  serverMetadata,
  serverMetadataRequest,
  serverMetadataResponse,
  staticIssuerKeys,
  TOKEN_TYPES,
  TokenEndpointRefusal,
  tokenExchangeResponse,
} from '../src/index.ts'
import { codeOf, ENDPOINT, errorOf, failure, SHOP } from './support/world.ts'

const GOOD = { access_token: 'a.b.c', issued_token_type: TOKEN_TYPES.jwt, token_type: 'N_A', expires_in: 60, scope: 'post' }
const JSON_TYPE = { 'content-type': 'application/json' }

function answer(change: Readonly<Record<string, unknown>> = {}, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify({ ...GOOD, ...change }), { headers: JSON_TYPE, ...init })
}

describe('the answer to an exchange', () => {
  it('TEX-2.2.1-01, TEX-2.2.1-02, TEX-2.2.1-03, TEX-2.2.1-06, TEX-2.2.1-07, CHN-2.3.3-01: is read as it was made', async () => {
    const made = tokenExchangeResponse({ token: 'a.b.c', issuedTokenType: TOKEN_TYPES.jwt, expiresInSeconds: 59.9, scope: ['post'] })
    expect([made.status, made.headers.get('content-type'), made.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ])
    expect(await processTokenExchangeResponse(made, { expectedTokenType: TOKEN_TYPES.jwt })).toEqual({
      token: 'a.b.c',
      issuedTokenType: TOKEN_TYPES.jwt,
      tokenType: 'n_a',
      expiresInSeconds: 59,
      scope: ['post'],
    })
  })

  it('TEX-2.2.1-04, TEX-2.2.1-05, TEX-2.2.1-09, TEX-3-04, TXN-11.4-01, TXN-11.4-04, CHN-5.4-01: tells a token that is no access token, and never refreshes', async () => {
    const types = [TOKEN_TYPES.accessToken, TOKEN_TYPES.jwt, TOKEN_TYPES.transactionToken]
    const bodies = await Promise.all(
      types.map(async (issuedTokenType) => {
        const body: unknown = await tokenExchangeResponse({ token: 'x', issuedTokenType, expiresInSeconds: 1 }).json()
        return body
      }),
    )
    expect(bodies).toEqual(
      ['Bearer', 'N_A', 'N_A'].map((token_type, at) => ({ access_token: 'x', expires_in: 1, issued_token_type: types[at], token_type })),
    )
  })

  it('CHN-2.4.3-01: to a redeemed grant is an access token', async () => {
    const made = accessTokenResponse({ token: 'a.b.c', expiresInSeconds: 60, scope: ['post'] })
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(await processAccessTokenResponse(made)).toMatchObject({ token: 'a.b.c', tokenType: 'bearer', scope: ['post'] })
    expect(await codeOf(processAccessTokenResponse(answer()))).toBe('ERR_EXCHANGE_RESPONSE')
  })

  it.each([
    ['without a token', { token: '' }],
    ['of a type that is no URI', { issuedTokenType: 'jwt' }],
    ['that has expired', { expiresInSeconds: 0 }],
  ])('is not made %s', async (_title, change) => {
    const options = { token: 'x', issuedTokenType: TOKEN_TYPES.jwt, expiresInSeconds: 1, ...change }
    expect(await codeOf(() => tokenExchangeResponse(options))).toBe('ERR_OPTIONS_INVALID')
  })

  it.each([
    ['TEX-2.2.1-04: with token_type in other letters', { token_type: 'n_a' }],
    ['TEX-2.2.1-06: without expires_in', { expires_in: undefined }],
    ['TEX-2.2.1-08: without scope', { scope: undefined }],
    ['with members that are not known', { refresh_token: 'x', y: [1] }],
  ])('is accepted: %s', async (_title, change) => {
    expect(await codeOf(processTokenExchangeResponse(answer(change), { expectedTokenType: TOKEN_TYPES.jwt }))).toBe('ok')
  })

  it.each([
    ['TEX-2.2.1-02: without access_token', { access_token: undefined }],
    ['TEX-2.2.1-02: with an access_token that is no text', { access_token: {} }],
    ['with an access_token that a header field can not hold', { access_token: 'a\nb' }],
    ['TEX-2.2.1-03: without issued_token_type', { issued_token_type: undefined }],
    ['TEX-2.2.1-03: with an issued_token_type that is no URI', { issued_token_type: 'jwt' }],
    ['TEX-2.2.1-03: of another type than was asked for', { issued_token_type: TOKEN_TYPES.accessToken }],
    ['TEX-2.2.1-04: without token_type', { token_type: undefined }],
    ['with expires_in as a text', { expires_in: '60' }],
    ['with a negative expires_in', { expires_in: -1 }],
    ['TEX-4.2-01: with scope as a list', { scope: ['post'] }],
  ])('is refused: %s', async (_title, change) => {
    expect(await codeOf(processTokenExchangeResponse(answer(change), { expectedTokenType: TOKEN_TYPES.jwt }))).toBe('ERR_EXCHANGE_RESPONSE')
  })

  it('TEX-2.2.1-01: is refused when it is no JSON, or too much', async () => {
    const process = (response: Response): Promise<string> =>
      codeOf(processTokenExchangeResponse(response, { expectedTokenType: undefined, maxResponseBytes: 200 }))
    expect(await process(new Response('{}', { headers: { 'content-type': 'text/html' } }))).toBe('ERR_EXCHANGE_RESPONSE')
    expect(await process(new Response('{"access_token":', { headers: JSON_TYPE }))).toBe('ERR_EXCHANGE_RESPONSE')
    expect(await process(new Response('[]', { headers: JSON_TYPE }))).toBe('ERR_EXCHANGE_RESPONSE')
    expect(await process(answer({ x: 'y'.repeat(200) }))).toBe('ERR_EXCHANGE_RESPONSE')
  })
})

describe('a refusal', () => {
  it.each([
    ['ERR_EXCHANGE_SUBJECT_TOKEN', 400, 'invalid_request'],
    ['ERR_EXCHANGE_ACTOR_REPEATED', 400, 'invalid_request'],
    ['ERR_EXCHANGE_GRANT_REPLAYED', 400, 'invalid_grant'],
    ['ERR_EXCHANGE_CLIENT_CREDENTIAL', 400, 'invalid_client'],
    ['ERR_EXCHANGE_TARGET', 400, 'invalid_target'],
    ['ERR_EXCHANGE_SCOPE', 400, 'invalid_scope'],
    ['ERR_EXCHANGE_GRANT_TYPE', 400, 'unsupported_grant_type'],
    ['ERR_EXCHANGE_ATTESTATION_STALE', 400, 'use_fresh_attestation'],
    ['ERR_WIT_EXPIRED', 400, 'invalid_client'],
    ['ERR_HTTP_SIGNATURE_INVALID', 400, 'invalid_client'],
    ['ERR_POLICY_DENIED', 400, 'unauthorized_client'],
    ['ERR_TXN_SCOPE_WIDER', 400, 'invalid_scope'],
    ['ERR_TXN_EXPIRED', 400, 'invalid_request'],
    ['ERR_TXN_DENIED', 400, 'invalid_request'],
    ['ERR_MESSAGE_BODY_TOO_LARGE', 413, 'invalid_request'],
    ['ERR_REPLAY_STORE_UNAVAILABLE', 503, 'temporarily_unavailable'],
    ['ERR_OPTIONS_INVALID', 500, 'server_error'],
    ['ERR_EXCHANGE_RESPONSE', 500, 'server_error'],
  ] as const)(
    'TEX-2.2.2-01, TEX-2.2.2-02, TEX-2.2.2-03, TEX-2.2.2-05, CHN-2.3.2-01, CHN-2.4.2-05: %s is %i %s',
    async (code, status, error) => {
      const response = oauthErrorResponse(failure(code))
      expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
        status,
        'application/json',
        'no-store',
      ])
      const body: unknown = await response.json()
      expect(body).toMatchObject({ error })
      const refusal = await errorOf(processTokenExchangeResponse(oauthErrorResponse(code), { expectedTokenType: undefined }))
      expect(refusal).toBeInstanceOf(TokenEndpointRefusal)
      expect(refusal).toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error, status })
    },
  )

  it('TEX-2.2.2-04: of every code is a known error and a sentence of the table', () => {
    for (const code of Object.keys(errorTable) as ErrorCode[]) {
      const { status, error, description } = oauthErrorOf(code)
      expect([400, 401, 413, 500, 503], code).toContain(status)
      expect(error, code).toMatch(/^[a-z_]+$/)
      expect(description, code).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('ATT-7.4-01, ATT-6.2-01: carries the challenge to the client', async () => {
    const response = oauthErrorResponse('ERR_EXCHANGE_ATTESTATION_CHALLENGE', { attestationChallenge: 'abc' })
    const refusal = await errorOf(processAccessTokenResponse(response))
    expect(refusal).toMatchObject({ error: 'use_attestation_challenge', attestationChallenge: 'abc' })
  })

  it("tells the code where that is asked for, and the fault is not the server's", async () => {
    const read = (code: ErrorCode, tellCode: boolean) => errorOf(processAccessTokenResponse(oauthErrorResponse(code, { tellCode })))
    const held = 'ERR_EXCHANGE_GRANT_HELD'
    expect(await read(held, true)).toMatchObject({ error: 'invalid_grant', reportedCode: held })
    expect(await read(held, false)).toMatchObject({ error: 'invalid_grant', reportedCode: undefined })
    for (const code of ['ERR_OPTIONS_INVALID', 'ERR_REPLAY_STORE_UNAVAILABLE'] as const) {
      expect(await read(code, true)).toMatchObject({ reportedCode: undefined })
    }
  })

  it.each(['held', 'ERR_', `ERR_${'A'.repeat(65)}`, 7, null])('has no code that is none: %s', async (code) => {
    const body = JSON.stringify({ error: 'invalid_grant', wimse_ts_code: code })
    const response = new Response(body, { status: 400, headers: { 'content-type': 'application/json' } })
    expect(await errorOf(processAccessTokenResponse(response))).toMatchObject({ error: 'invalid_grant', reportedCode: undefined })
  })

  it('is challenged for a WPT where those are taken', () => {
    const response = oauthErrorResponse('ERR_WPT_EXPIRED', { takesWpt: true })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'WPT'])
  })

  it.each([
    ['no JSON', 'oops', {}],
    ['no error', '{}', {}],
    ['an error in another alphabet', '{"error":"a\\nb"}', {}],
    ['a challenge that is a list', '{"error":"x"}', { 'oauth-client-attestation-challenge': 'a, b' }],
  ])('of a server that tells %s is one all the same', async (_title, body, headers) => {
    const response = new Response(body, { status: 400, headers: { ...JSON_TYPE, ...headers } })
    const refusal = await errorOf(processAccessTokenResponse(response))
    expect(refusal).toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', attestationChallenge: undefined })
  })
})

describe('metadata', () => {
  const options: ServerMetadataOptions = {
    issuer: SHOP,
    tokenEndpoint: ENDPOINT,
    jwksUri: `${SHOP}/jwks`,
    grantTypes: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    authenticationMethods: ['spiffe_jwt', 'spiffe_wit', 'wimse'],
    chainingTokenTypes: [TOKEN_TYPES.jwt],
    challengeEndpoint: `${SHOP}/challenge`,
    attestationAlgorithms: ['ES256'],
  }

  it('SCA-4-01, SCA-4-03, CHN-3-01, ATT-6.1-01, ATT-8-01, ATT-7.6-01: tells what the server does', async () => {
    expect(serverMetadata(options)).toMatchObject({
      issuer: SHOP,
      token_endpoint_auth_methods_supported: ['spiffe_jwt', 'spiffe_wit'],
      identity_chaining_requested_token_types_supported: [TOKEN_TYPES.jwt],
      client_attestation_signing_alg_values_supported: ['ES256'],
      client_attestation_pop_signing_alg_values_supported: ['ES256'],
      client_attestation_pop_methods_supported: ['attestation_pop_jwt'],
    })
    const read = await processServerMetadataResponse(serverMetadataResponse(options), { issuer: SHOP })
    const { attestationAlgorithms: _left, ...told } = options
    expect(read).toEqual({ ...told, authenticationMethods: ['spiffe_jwt', 'spiffe_wit'] })
  })

  it('SCA-4-03, ATT-7.6-01, CHN-3-02: leaves out what the server does not', () => {
    const { challengeEndpoint: _left, ...rest } = options
    const metadata = serverMetadata({ ...rest, authenticationMethods: ['spiffe_x509'], chainingTokenTypes: [] })
    expect(metadata).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    for (const name of [
      'challenge_endpoint',
      'client_attestation_pop_methods_supported',
      'identity_chaining_requested_token_types_supported',
    ]) {
      expect(metadata).not.toHaveProperty(name)
    }
  })

  it.each([
    ['without algorithms', { attestationAlgorithms: [] }, 'ERR_OPTIONS_INVALID'],
    ['JAS-4-06: without an issuer', { issuer: '' }, 'ERR_OPTIONS_INVALID'],
    ['TEX-6-01: over plain http', { tokenEndpoint: 'http://tokens.shop.example/token' }, 'ERR_INSECURE_CHANNEL'],
  ] as const)('is not made %s', async (_title, change, code) => {
    expect(await codeOf(() => serverMetadata({ ...options, ...change }))).toBe(code)
  })

  it.each([
    ['https://tokens.shop.example', 'https://tokens.shop.example/.well-known/oauth-authorization-server'],
    ['https://a.example/tenant/1', 'https://a.example/.well-known/oauth-authorization-server/tenant/1'],
  ])('of %s is asked for at %s', (issuer, url) => {
    expect(serverMetadataRequest(issuer).url).toBe(url)
  })

  it.each([
    ['JAS-1-01: of another issuer', { issuer: 'https://evil.example' }],
    ['JAS-1-01: without an issuer', { issuer: undefined }],
    ['TEX-6-01: with an endpoint over plain http', { token_endpoint: 'http://tokens.shop.example/token' }],
    ['without a token endpoint', { token_endpoint: undefined }],
    ['CHN-3-01: with a text where a list belongs', { identity_chaining_requested_token_types_supported: 'jwt' }],
  ])('is refused: %s', async (_title, change) => {
    const body = JSON.stringify({ ...serverMetadata(options), ...change })
    const response = new Response(body, { headers: JSON_TYPE })
    expect(await codeOf(processServerMetadataResponse(response, { issuer: SHOP }))).toBe('ERR_EXCHANGE_METADATA')
  })

  it('is refused with another status', async () => {
    const response = new Response('{}', { status: 404, headers: JSON_TYPE })
    expect(await codeOf(processServerMetadataResponse(response, { issuer: SHOP }))).toBe('ERR_EXCHANGE_METADATA')
  })

  it('SCA-4-06, SCA-4-07: tells a client which of its methods to use', async () => {
    const metadata = { authenticationMethods: ['private_key_jwt', 'spiffe_jwt', 'spiffe_wit'] }
    expect(chooseAuthenticationMethod(metadata, ['spiffe_wit', 'spiffe_jwt'])).toBe('spiffe_wit')
    expect(await codeOf(() => chooseAuthenticationMethod(metadata, ['spiffe_x509']))).toBe('ERR_EXCHANGE_METADATA')
  })
})

describe('keys of issuers', () => {
  interface Remote {
    readonly runtime: TestRuntime
    readonly calls: () => number
    set(keys: readonly unknown[] | undefined): void
  }

  function remote(): Remote {
    let body: readonly unknown[] | undefined = []
    let calls = 0
    const runtime = createTestRuntime({
      fetch: async () => {
        calls += 1
        if (body === undefined) throw new TypeError('unreachable')
        return new Response(JSON.stringify({ keys: body }), {
          headers: { 'content-type': calls % 2 === 0 ? 'application/json' : 'application/jwk-set+json' },
        })
      },
    })
    return {
      runtime,
      calls: () => calls,
      set(keys) {
        body = keys
      },
    }
  }

  async function jwk(kid: string): Promise<object> {
    const { signer }: { readonly signer: Signer } = await generateSigner('ES256', createTestRuntime())
    return { ...signer.publicJwk, kid }
  }

  it('CHN-2.1-02: are fetched when they are needed, and again when one is unknown, once per cooldown', async () => {
    const server = remote()
    const keys = remoteIssuerKeys({ issuers: { [SHOP]: `${SHOP}/jwks` }, runtime: server.runtime })
    server.set([await jwk('1')])
    expect((await keys.keys(SHOP))?.map(({ keyId }) => keyId)).toEqual(['1'])
    await keys.keys(SHOP)
    server.set([await jwk('1'), await jwk('2'), { kty: 'RSA', use: 'enc' }])
    expect([await keys.refresh(SHOP), server.calls()]).toEqual([false, 1])
    server.runtime.advance(30)
    expect(await Promise.all([keys.refresh(SHOP), keys.refresh(SHOP)])).toEqual([true, true])
    expect([(await keys.keys(SHOP))?.length, server.calls()]).toEqual([2, 2])
  })

  it('CHN-2.1-01: are those of configured issuers only', async () => {
    const server = remote()
    const keys = remoteIssuerKeys({ issuers: { [SHOP]: `${SHOP}/jwks` }, runtime: server.runtime })
    expect([await keys.keys('https://evil.example'), await keys.refresh('https://evil.example'), server.calls()]).toEqual([
      undefined,
      false,
      0,
    ])
  })

  it('stay in use when the issuer is out of reach, until they are too old', async () => {
    const server = remote()
    const keys = remoteIssuerKeys({ issuers: { [SHOP]: `${SHOP}/jwks` }, runtime: server.runtime, maxAgeSeconds: 600 })
    server.set(undefined)
    expect(await codeOf(async () => keys.keys(SHOP))).toBe('ERR_TRUST_STALE')
    server.runtime.advance(30)
    server.set([await jwk('1')])
    expect(await keys.keys(SHOP)).toHaveLength(1)
    server.set([{ kty: 'oct', k: 'AAAA', kid: '1' }])
    server.runtime.advance(599)
    expect([await keys.refresh(SHOP), (await keys.keys(SHOP))?.length]).toEqual([false, 1])
    server.runtime.advance(600)
    expect(await codeOf(async () => keys.keys(SHOP))).toBe('ERR_TRUST_STALE')
  })

  it('are refused over plain http, twice with one kid, and as what is no set', async () => {
    const key = await jwk('1')
    expect(await codeOf(() => remoteIssuerKeys({ issuers: { [SHOP]: 'http://tokens.shop.example/jwks' } }))).toBe('ERR_INSECURE_CHANNEL')
    expect(await codeOf(() => remoteIssuerKeys({ issuers: { [SHOP]: 'http://127.0.0.1/jwks' }, [allowInsecureEndpoint]: true }))).toBe('ok')
    expect(await codeOf(() => staticIssuerKeys({ [SHOP]: { keys: [key, key] } }))).toBe('ERR_KEY_MALFORMED')
    expect(await codeOf(() => staticIssuerKeys({ [SHOP]: { keys: 'x' as never } }))).toBe('ERR_KEY_MALFORMED')
    expect(await codeOf(() => staticIssuerKeys({ shop: { keys: [key] } }))).toBe('ERR_OPTIONS_INVALID')
  })
})
