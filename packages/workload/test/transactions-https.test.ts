import { getRequestListener } from '@hono/node-server'
import { isWimseError, requestViewOfRequest } from '@wimse/core'
import {
  createTransactionTokenVerifier,
  type TransactionTokenKeys,
  tokenServiceEndpointKeys,
  type VerifiedTransactionToken,
} from '@wimse/transaction-tokens'
import { Hono } from 'hono'
import { beforeEach, describe, expect, it } from 'vitest'
import { authenticate, type PeerVariables } from '../src/hono.ts'
import { type Allow, assertAuthenticatedPeer } from '../src/index.ts'
import { connectionPeerOf, createNodeListener, nodeServer, type PeerHandler, type Workload } from '../src/node.ts'
import { type Domains, makeDomains, serve, workloadOn } from './services.ts'
import { makeTokenService, STOREFRONT, type TokenService, TXN } from './transactions.ts'
import { closeLater, codeOf, LEDGER, ORDERS, PAYMENTS } from './world.ts'

let domains: Domains
let service: TokenService
/** Payments calls the second instance of orders on: three hops with two identities. */
let orders: Workload
let payments: Workload
let ledger: Workload
let paymentsOrigin: string
let ordersOrigin: string
let ledgerOrigin: string
let handler: PeerHandler
let allow: Allow
let errors: unknown[]
let transaction: VerifiedTransactionToken

const describeHop: PeerHandler = (_request, { identifier }, carried) =>
  Response.json({ caller: identifier, by: carried?.proof, txn: carried?.token.transaction, subject: carried?.token.subject })

async function listen(workload: Workload, trustDomain: string, handle: () => PeerHandler): Promise<string> {
  const { origin } = await serve(domains, workload, (audience) => {
    const transactionTokens = { verify: service.verifier({ audience: trustDomain }) }
    const authenticator = workload.authenticator({ audience, accept: ['wpt', 'http-signature', 'mutual-tls'], transactionTokens })
    const rules = { authenticator, allow: (...known: Parameters<typeof decide>) => decide(...known), connectionPeer: connectionPeerOf }
    return createNodeListener({ ...rules, onError: (error) => errors.push(error) }, (...hop) => handle()(...hop))
  })
  return origin
}

const decide: Exclude<Allow, string | readonly string[]> = async (peer, carried) => {
  assertAuthenticatedPeer(peer)
  return typeof allow === 'function' ? allow(peer, carried) : allow === '*'
}

beforeEach(async () => {
  domains = await makeDomains()
  service = await makeTokenService(domains.runtime)
  errors = []
  allow = '*'
  handler = describeHop
  const [ordersHere, ledgerHere] = await Promise.all([workloadOn(domains, domains.ordersApi), workloadOn(domains, domains.ledgerApi)])
  ledger = ledgerHere
  ordersOrigin = await listen(ordersHere, 'shop.example', () => describeHop)
  ledgerOrigin = await listen(ledger, 'bank.example', () => describeHop)
  payments = await workloadOn(domains, domains.paymentsApi, { peers: { [ordersOrigin]: ORDERS, [ledgerOrigin]: LEDGER } })
  paymentsOrigin = await listen(payments, 'shop.example', () => handler)
  orders = await workloadOn(domains, domains.ordersApi, { peers: { [paymentsOrigin]: PAYMENTS } })
  transaction = await service.verifier()(await service.issue())
})

describe('a chain of calls over https', () => {
  it.each(['wpt', 'http-signature', 'http-signature-and-response'] as const)(
    'TXN-12-01 TXN-12.2-05: each service sees the transaction and its own caller, by %s',
    async (proof) => {
      const seen: unknown[] = []
      handler = async (_request, peer, carried) => {
        seen.push([peer.identifier, carried?.token.token === transaction.token])
        const next = await payments.fetch(`${ordersOrigin}/stock`, { method: 'POST', body: 'x', transaction: carried, proof })
        return Response.json(await next.json())
      }
      const answer = await orders.fetch(`${paymentsOrigin}/charges`, { method: 'POST', body: '{}', transaction, proof })
      const kind = proof === 'wpt' ? 'wpt' : 'http-signature'
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { caller: PAYMENTS, by: kind, txn: transaction.transaction, subject: 'user:ada' },
      ])
      expect(seen).toEqual([[ORDERS, true]])
      expect(errors).toEqual([])
    },
  )

  it('TXN-14-01: ends at the edge of the trust domain, before anything is sent', async () => {
    handler = async (_request, _peer, carried) => {
      const code = await codeOf(payments.fetch(`${ledgerOrigin}/entries`, { transaction: carried }))
      const without = await payments.fetch(`${ledgerOrigin}/entries`)
      return Response.json([code, without.status])
    }
    const answer = await orders.fetch(`${paymentsOrigin}/charges`, { transaction })
    expect(await answer.json()).toEqual(['ERR_TXN_LEAVES_DOMAIN', 200])
  })

  it('WPT-2-18: is not carried on by a proof that binds nothing', async () => {
    for (const proof of ['mutual-tls', 'jwt-svid'] as const) {
      expect(await codeOf(orders.fetch(paymentsOrigin, { transaction, proof }))).toBe('ERR_TXN_NOT_BOUND')
    }
    expect(await (await orders.fetch(paymentsOrigin, { proof: 'mutual-tls' })).json()).toEqual({ caller: ORDERS })
  })

  it('TXN-13.12-01: a token on a connection of mutual TLS is bound by nobody', async () => {
    const answer = await orders.fetch(paymentsOrigin, { proof: 'mutual-tls', headers: { [TXN]: transaction.token } })
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'ERR_TXN_NOT_BOUND' })])
  })

  it('TXN-12.1-02: a field that was doubled on the way is refused', async () => {
    for (const proof of ['wpt', 'http-signature'] as const) {
      const { request } = await orders.prepare(requestViewOfRequest(new Request(paymentsOrigin)), { proof, transaction })
      const { response } = await orders.send({ ...request, fields: [...request.fields, [TXN, transaction.token]] })
      expect(await new Response(response.body as BodyInit).json()).toMatchObject({ code: 'ERR_TXN_TOKEN_COUNT' })
    }
  })

  it('TXN-12.2-06: the transaction decides, and one without is refused by the rule', async () => {
    allow = (_peer, carried) => carried?.token.scope.includes('payments.charge') === true
    expect((await orders.fetch(paymentsOrigin, { transaction })).status).toBe(200)
    expect((await orders.fetch(paymentsOrigin)).status).toBe(403)
    const refund = await service.verifier()(await service.issue({ scope: ['payments.refund'] }))
    expect((await orders.fetch(paymentsOrigin, { transaction: refund })).status).toBe(403)
  })

  it('SIG-3.5-02 TXN-12.2-04: one that has expired is refused with a signed answer to a caller that requires it', async () => {
    domains.runtime.advance(60)
    const answer = await orders.fetch(paymentsOrigin, { transaction, proof: 'http-signature-and-response' })
    expect([answer.status, answer.headers.has('signature'), await answer.json()]).toEqual([
      400,
      true,
      expect.objectContaining({ code: 'ERR_TXN_EXPIRED' }),
    ])
  })

  it('SIG-3-10: an access token goes along under an HTTP signature of this one call', async () => {
    const headers = { authorization: 'Bearer access-token' }
    handler = ({ fields }, peer) => {
      const [proof] = peer.proofs
      const covered = proof?.kind === 'http-signature' ? proof.components.map(({ text }) => text) : []
      return Response.json([new Headers([...fields] as [string, string][]).get('authorization'), covered.includes('"authorization"')])
    }
    const answer = await orders.fetch(paymentsOrigin, { headers, transaction, proof: 'http-signature' })
    expect(await answer.json()).toEqual(['Bearer access-token', true])
    expect(await codeOf(orders.fetch(paymentsOrigin, { headers, transaction }))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('Hono over https', () => {
  it('TXN-12.2-01 TXN-12.2-05: the handler finds the transaction and carries it on', async () => {
    const { origin } = await serve(domains, payments, (audience) => {
      const app = new Hono<PeerVariables>()
      const transactionTokens = { verify: service.verifier(), required: true }
      app.use(authenticate(payments, { audience, allow: ORDERS, transactionTokens, ...nodeServer }))
      app.post('/charges', (c) => payments.fetch(`${ordersOrigin}/stock`, { transaction: c.var.transaction }))
      app.get('/who', (c) => c.json({ for: c.var.transaction?.token.subject, by: c.var.transaction?.caller }))
      return getRequestListener(app.fetch)
    })
    const caller = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: PAYMENTS } })
    expect(await (await caller.fetch(`${origin}/who`, { transaction })).json()).toEqual({ for: 'user:ada', by: ORDERS })
    const answer = await caller.fetch(`${origin}/charges`, { method: 'POST', body: 'x', transaction })
    expect(await answer.json()).toMatchObject({ caller: PAYMENTS, txn: transaction.transaction })
    const refused = await caller.fetch(`${origin}/who`)
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ code: 'ERR_TXN_TOKEN_MISSING' })])
  })

  it('without rules for it there is none', async () => {
    const { origin } = await serve(domains, payments, (audience) => {
      const app = new Hono<PeerVariables>()
      app.use(authenticate(payments, { audience, allow: ORDERS, ...nodeServer }))
      app.get('/who', (c) => c.json(c.var.transaction ?? null))
      return getRequestListener(app.fetch)
    })
    const caller = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: PAYMENTS } })
    expect(await (await caller.fetch(`${origin}/who`, { transaction })).json()).toBeNull()
  })
})

describe('the keys of the token service', () => {
  /** What a workload with this mapping learns from the service at that origin. */
  const keysOf = async (
    origin: string,
    identifier: string,
  ): Promise<{ readonly keys: TransactionTokenKeys; readonly failures: string[] }> => {
    const { runtime } = domains
    const recipient = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: identifier }, proof: 'mutual-tls' })
    const failures: string[] = []
    const keys = tokenServiceEndpointKeys({
      trustDomain: 'shop.example',
      url: `${origin}/jwks`,
      runtime: { ...runtime, fetch: recipient.fetch },
      onFailure: (error) => failures.push([error, error.cause].map((one) => (isWimseError(one) ? one.code : '')).join()),
    })
    closeLater(() => keys.close())
    await keys.start()
    return { keys, failures }
  }
  const publish = async (): Promise<string> =>
    (await serve(domains, payments, () => (_incoming, outgoing) => outgoing.end(JSON.stringify(service.jwks)))).origin

  it('TXN-13.7-01 TXN-13.7-02 TXN-13.9-01: come from the service that was named, authenticated by its identifier', async () => {
    const { keys, failures } = await keysOf(await publish(), PAYMENTS)
    const verify = createTransactionTokenVerifier({ keys, audience: 'shop.example', runtime: domains.runtime })
    expect([(await verify(transaction.token)).requestingWorkloads, failures]).toEqual([[STOREFRONT], []])
  })

  it('TXN-13.7-02 TXN-13.9-01: come from no other workload', async () => {
    const { keys, failures } = await keysOf(await publish(), STOREFRONT)
    const verify = createTransactionTokenVerifier({ keys, audience: 'shop.example', runtime: domains.runtime })
    expect([await codeOf(verify(transaction.token)), failures]).toEqual(['ERR_TRUST_STALE', ['ERR_TRUST_ENDPOINT,ERR_MTLS_PEER']])
  })
})
