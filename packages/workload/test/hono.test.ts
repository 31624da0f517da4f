import { getRequestListener } from '@hono/node-server'
import { type RequestView, requestViewOfRequest } from '@wimse/core'
import { Hono } from 'hono'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AuthenticateOptions, authenticate, type PeerVariables } from '../src/hono.ts'
import { nodeServer, type Workload } from '../src/node.ts'
import { type Domains, eventually, makeDomains, serve, trusts, workloadOn } from './services.ts'
import { authenticatorOf, call, charge, codeOf, makeWorld, ORDERS, ORIGIN, PAYMENTS, type World, without } from './world.ts'

describe('Hono on web types', () => {
  let world: World
  let errors: unknown[]
  beforeEach(async () => {
    world = await makeWorld()
    errors = []
  })

  const appOf = (options: Partial<AuthenticateOptions> = {}): Hono<PeerVariables> => {
    const factory = {
      authenticator: (own: object) => authenticatorOf(world, { credential: () => world.payments, ...own }),
    }
    const app = new Hono<PeerVariables>()
    app.use(authenticate(factory, { audience: ORIGIN, allow: ORDERS, onError: (error) => errors.push(error), ...options }))
    app.post('/charges', async (c) => c.json({ for: c.var.peer.identifier, body: await c.req.json() }))
    app.get('/fails', () => {
      throw new Error('of the handler')
    })
    app.get('/empty', (c) => c.body(null, 204))
    app.get('/large', (c) => c.text('x'.repeat(2_000_000), 200, { 'cache-control': 'public', 'x-own': '1' }))
    return app
  }
  const webRequest = ({ method, path, query, fields, body }: RequestView): Request =>
    new Request(`${ORIGIN}${path}${query === undefined ? '' : `?${query}`}`, {
      method,
      headers: fields.map(([name, value]) => [name, value]),
      body: body === null ? null : (body as Uint8Array<ArrayBuffer>),
    })
  const get = (path: string): RequestView => requestViewOfRequest(new Request(`${ORIGIN}${path}`))

  it.each(['wpt', 'http-signature', 'http-signature-and-response'] as const)(
    'CRED-7-01: the handler finds who called by %s, and the body that was verified',
    async (proof) => {
      const answer = await appOf().request(webRequest((await call(world, proof)).request))
      expect([answer.status, await answer.json()]).toEqual([200, { for: ORDERS, body: { amount: 12 } }])
      expect(answer.headers.has('signature')).toBe(proof === 'http-signature-and-response')
    },
  )

  it.each([
    ['WPT-2.1-02 WPT-2.1-04: where WPTs are taken', ['wpt', 'http-signature'], 401, 'WPT'],
    ['CRED-5.2-04 SIG-3.6-04: where they are not', ['http-signature'], 400, null],
  ] as const)('%s a missing proof is answered with its status', async (_title, accept, status, challenge) => {
    const answer = await appOf({ accept }).request(webRequest(charge()))
    expect([answer.status, answer.headers.get('www-authenticate'), answer.headers.get('content-type')]).toEqual([
      status,
      challenge,
      'application/problem+json',
    ])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_PROOF_MISSING' })])
  })

  it('ID-4.3-03: a caller that is not allowed does not get to the handler, and a signed refusal where it requires one', async () => {
    const { request } = await call(world, 'http-signature-and-response')
    const answer = await appOf({ allow: [] }).request(webRequest(request))
    expect([answer.status, answer.headers.has('signature')]).toEqual([403, true])
  })

  it('SIG-3.5-02: the answer to a handler that failed is signed as any other', async () => {
    const { request } = await call(world, 'http-signature-and-response', { request: get('/fails') })
    const app = appOf()
    app.onError((_error, c) => c.text('failed', 500))
    const answer = await app.request(webRequest(request))
    expect([answer.status, answer.headers.has('signature'), await answer.text()]).toEqual([500, true, 'failed'])
  })

  it('SIG-3.5-04: nothing of a response that could not be signed goes out', async () => {
    const { request } = await call(world, 'http-signature-and-response', { request: get('/large') })
    const answer = await appOf().request(webRequest(request))
    expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('x-own')]).toEqual([400, 'no-store', null])
    expect(await answer.json()).toMatchObject({ code: 'ERR_HTTP_SIGNATURE_CANNOT_SIGN' })
    const { request: optional } = await call(world, 'http-signature', { request: get('/large') })
    expect((await appOf().request(webRequest(optional))).headers.get('x-own')).toBe('1')
  })

  it('a response without a body is signed, too', async () => {
    const { request } = await call(world, 'http-signature-and-response', { request: get('/empty') })
    const answer = await appOf().request(webRequest(request))
    expect([answer.status, answer.headers.has('signature')]).toEqual([204, true])
  })

  it('two WITs that the platform has joined are refused', async () => {
    const { request } = await call(world, 'wpt')
    const doubled = webRequest(request)
    doubled.headers.append('workload-identity-token', world.orders.token)
    expect((await appOf().request(doubled)).status).toBe(401)
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_WIT_MALFORMED' })])
  })

  it('a connection whose peer is not trusted any more is asked to end', async () => {
    const options = { connectionPeer: () => Promise.reject(new Error('gone')) }
    const answer = await appOf(options).request(webRequest(without(charge())))
    expect([answer.status, answer.headers.get('connection')]).toEqual([500, 'close'])
  })
})

describe('Hono on node:https with mutual TLS', () => {
  let domains: Domains
  let orders: Workload
  let payments: Workload
  let origin: string
  beforeEach(async () => {
    domains = await makeDomains()
    payments = await workloadOn(domains, domains.paymentsApi)
    ;({ origin } = await serve(domains, payments, (audience) => {
      const app = new Hono<PeerVariables>()
      const allow = [ORDERS, 'spiffe://bank.example/*']
      const accept = ['wpt', 'http-signature', 'mutual-tls'] as const
      app.use(authenticate(payments, { audience, allow, accept, ...nodeServer }))
      app.post('/charges', async (c) => c.json({ for: c.var.peer.identifier, by: c.var.peer.proofs[0]?.kind, body: await c.req.text() }))
      return getRequestListener(app.fetch)
    }))
    orders = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: PAYMENTS } })
  })

  it.each(['wpt', 'http-signature', 'http-signature-and-response', 'mutual-tls'] as const)(
    'CRED-7-01 CRED-7-04: serves a call by %s',
    async (proof) => {
      const caller = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: PAYMENTS }, proof })
      const body = 'z'.repeat(200_000)
      const answer = await caller.fetch(`${origin}/charges`, { method: 'POST', body })
      const by = proof === 'http-signature-and-response' ? 'http-signature' : proof
      expect([answer.status, await answer.json()]).toEqual([200, { for: ORDERS, by, body }])
      expect(answer.headers.has('signature')).toBe(proof === 'http-signature-and-response')
    },
  )

  it('CRED-5.1.1-02: sees that a header field is doubled', async () => {
    const view = requestViewOfRequest(new Request(`${origin}/charges`, { method: 'POST', body: 'x' }))
    const { request } = await orders.prepare(view)
    const fields = [...request.fields, ['workload-identity-token', orders.source.wit?.current().token ?? ''] as const]
    const { response } = await orders.send({ ...request, fields })
    expect(response.status).toBe(401)
    expect(await new Response(response.body as BodyInit).json()).toMatchObject({ code: 'ERR_WIT_HEADER_COUNT' })
  })

  it('FED-6.3-01: a federation that is withdrawn ends connections that are kept alive', async () => {
    const ledger = await workloadOn(domains, domains.ledgerApi, { peers: { [origin]: PAYMENTS }, proof: 'mutual-tls' })
    const post = (): Promise<Response> => ledger.fetch(`${origin}/charges`, { method: 'POST', body: 'x' })
    expect(await (await post()).json()).toMatchObject({ by: 'mutual-tls' })
    domains.paymentsApi.setFederated([])
    await eventually(() => !trusts(payments, 'bank.example'))
    const answer = await post()
    expect([answer.status, answer.headers.get('connection')]).toEqual([400, 'close'])
    expect(await answer.json()).toMatchObject({ code: 'ERR_TRUST_DOMAIN_UNKNOWN' })
    expect(await codeOf(post())).toBe('ERR_MTLS_CONNECTION')
  })
})
