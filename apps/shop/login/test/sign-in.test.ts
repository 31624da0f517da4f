import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { defaultRuntime } from '@wimse/keys'
import { createMutualTlsAgent } from '@wimse/mutual-tls'
import { trustAuthorities } from '@wimse/testing'
import { remoteIssuerKeys, verifySubjectAccessToken } from '@wimse/token-exchange'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FetchPage } from '../src/user/browser.ts'
import { ADA, CONCIERGE, createWorld, STOREFRONT, type World } from './harness.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** A browser in the middle of whose way something is changed. */
function tampering(change: (url: URL, body: URLSearchParams | undefined) => void): FetchPage {
  return (input, init) => {
    const url = new URL(input)
    const body = init.body instanceof URLSearchParams ? new URLSearchParams(init.body) : undefined
    change(url, body)
    return world.fetch(url.href, { ...init, ...(body !== undefined && { body }) })
  }
}

describe('an access token of a user who signed in', () => {
  test('is a JWT of RFC 9068 that an independent library verifies with the published keys', async () => {
    const token = await world.signIn()
    const jwks = await (await world.fetch(`${world.issuer}/jwks`)).json()
    const rules = { issuer: world.issuer, audience: STOREFRONT, typ: 'at+jwt', algorithms: ['ES256'] }
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), rules)
    expect(payload).toMatchObject({ sub: 'ada', client_id: 'web', scope: 'shop:browse shop:order', jti: expect.any(String) })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300)
    expect(payload).not.toHaveProperty('cnf')
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: jwks.keys[0].kid })
    expect(jwks.keys[0]).not.toHaveProperty('d')
  })

  test('is taken as the subject of a token exchange by the service that it is for, and by no other', async () => {
    const token = await world.signIn({ resource: CONCIERGE })
    const runtime = { ...defaultRuntime(), fetch: world.fetch }
    const issuers = remoteIssuerKeys({ issuers: { [world.issuer]: `${world.issuer}/jwks` }, runtime })
    await issuers.refresh(world.issuer)
    const claims = await verifySubjectAccessToken(token, { issuers, audience: CONCIERGE })
    expect(claims).toMatchObject({ subject: 'ada', clientId: 'web', scope: ['shop:browse', 'shop:order'], actors: [] })
    await expect(verifySubjectAccessToken(token, { issuers, audience: STOREFRONT })).rejects.toMatchObject({
      code: 'ERR_EXCHANGE_SUBJECT_TOKEN',
    })
  })

  test('has only the scope that the user agreed to', async () => {
    const token = await world.signIn({ scope: ['shop:browse', 'shop:refund'], consent: ['shop:browse'] })
    const [, payload = ''] = token.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ scope: 'shop:browse' })
  })
})

describe('refused', () => {
  const cases: readonly (readonly [title: string, options: Parameters<World['signIn']>[0], code: string])[] = [
    ['a wrong password', { password: 'sample-password-of-bob' }, 'wrong_password'],
    ['an empty password of a user that is not there', { user: 'mallory', password: '' }, 'wrong_password'],
    ['a resource that is not there', { resource: 'https://payments.shop.example' }, 'invalid_target'],
    ['a scope value that is not there', { scope: ['shop:browse', 'shop:admin'] }, 'invalid_scope'],
    ['a scope value that the user did not agree to', { consent: [] }, 'access_denied'],
    ['another redirect URI', { client: { id: 'web', redirectUri: 'https://web.shop.example/elsewhere' } }, 'invalid_redirect_uri'],
    ['another client', { client: { id: 'phone', redirectUri: 'https://web.shop.example/signed-in' } }, 'invalid_client'],
  ]
  test.each(cases)('%s', async (_title, options, code) => {
    await expect(world.signIn(options)).rejects.toMatchObject({ code })
  })

  const changed: readonly (readonly [title: string, change: Parameters<typeof tampering>[0], code: string])[] = [
    [
      'no PKCE',
      (url) => ['code_challenge', 'code_challenge_method'].forEach((name) => void url.searchParams.delete(name)),
      'invalid_request',
    ],
    ['another code verifier', (_url, body) => body?.has('code_verifier') && body.set('code_verifier', 'x'.repeat(43)), 'invalid_grant'],
    ['a code for another resource', (_url, body) => body?.has('code') && body.set('resource', CONCIERGE), 'invalid_target'],
    ['no resource', (url) => url.searchParams.delete('resource'), 'invalid_target'],
    ['a state that is not the own', (url) => url.searchParams.has('state') && url.searchParams.set('state', 'other'), 'invalid_response'],
  ]
  test.each(changed)('%s', async (_title, change, code) => {
    await expect(world.signIn({ fetch: tampering(change) })).rejects.toMatchObject({ code })
  })

  test('a code that was used', async () => {
    let form: URLSearchParams | undefined
    await world.signIn({
      fetch: tampering((_url, body) => {
        if (body?.has('code')) form = body
      }),
    })
    const response = await world.fetch(`${world.issuer}/token`, { method: 'POST', ...(form && { body: form }) })
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  test('a host that is not its own', async () => {
    const agent = createMutualTlsAgent({
      trust: trustAuthorities([world.authority]),
      profile: 'x509-svid',
      peers: () => 'spiffe://shop.example/login',
      verifyHostName: false,
    })
    const path = '/.well-known/openid-configuration'
    const outgoing = request({ host: '127.0.0.1', port: world.login.port, agent, path, headers: { host: 'elsewhere.example' } })
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    incoming.resume()
    agent.destroy()
    expect(incoming.statusCode).toBe(421)
  })

  test('a form without the browser that asked for it', async () => {
    const response = await world.fetch(`${world.issuer}/interaction/abcdef`, { method: 'POST', body: new URLSearchParams(ADA) })
    expect(response.status).toBe(400)
  })
})

test('no line for the operator has a token, a code or a password', () => {
  const log = world.lines.join('\n')
  expect(log).toContain('"event":"service.ready"')
  expect(log).toContain('"event":"access-token.issued","subject":"ada"')
  expect(log).not.toMatch(/eyJ|sample-password|code_verifier/)
})
