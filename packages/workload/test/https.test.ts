import { requestViewOfParts, utf8, WimseError } from '@wimse/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProofKind } from '../src/index.ts'
import {
  connectionPeerOf,
  createNodeListener,
  type PeerHandler,
  type ProofChoice,
  type Workload,
  type WorkloadOptions,
} from '../src/node.ts'
import { type Domains, eventually, makeDomains, serve, trusts, workloadOn } from './services.ts'
import { codeOf, LEDGER, ORDERS, PAYMENTS } from './world.ts'

/** Each has a path of its own, where it alone is taken. */
const PROOFS: readonly ProofKind[] = ['wpt', 'http-signature', 'mutual-tls', 'jwt-svid']

let domains: Domains
let orders: Workload
let payments: Workload
let ledger: Workload
let origin: string
let ledgerOrigin: string
let refused: string[]
let errors: unknown[]
let proof: ProofChoice
let handler: PeerHandler
let connections: Set<object>

const describeCaller: PeerHandler = async ({ method }, { identifier, proofs }) =>
  Response.json({ for: identifier, by: proofs.map(({ kind }) => kind), method })

async function start(workload: Workload): Promise<string> {
  const { origin: at, refused: codes } = await serve(domains, workload, (audience) => {
    const listeners = PROOFS.map((path) => {
      const authenticator = workload.authenticator({ audience, accept: [path] })
      const options = {
        authenticator,
        allow: [ORDERS, 'spiffe://shop.example/batch/*'],
        connectionPeer: connectionPeerOf,
        onError: (error: unknown) => void errors.push(error),
      }
      return { path, listener: createNodeListener(options, (...known) => handler(...known)) }
    })
    return (incoming, outgoing) => {
      connections.add(incoming.socket)
      listeners.find(({ path }) => incoming.url?.startsWith(`/${path}`))?.listener(incoming, outgoing)
    }
  })
  refused = codes
  return at
}

async function caller(options: Partial<WorkloadOptions> = {}): Promise<Workload> {
  const peers = { [origin]: PAYMENTS, [ledgerOrigin]: LEDGER }
  return workloadOn(domains, domains.ordersApi, { peers, proof: () => proof, ...options })
}

beforeEach(async () => {
  domains = await makeDomains()
  ;[payments, ledger] = await Promise.all([workloadOn(domains, domains.paymentsApi), workloadOn(domains, domains.ledgerApi)])
  errors = []
  connections = new Set()
  handler = describeCaller
  proof = 'wpt'
  origin = await start(payments)
  ledgerOrigin = await start(ledger)
  orders = await caller()
})

const charge = (at: string = origin, workload: Workload = orders, init: RequestInit = {}): Promise<Response> => {
  const path = proof === 'http-signature-and-response' ? 'http-signature' : proof
  return workload.fetch(`${at}/${path}/charges?fast=1`, { method: 'POST', body: '{"amount":12}', ...init })
}

async function problemOf(response: Response): Promise<unknown> {
  const problem: unknown = await response.json()
  return [response.status, response.headers.get('www-authenticate'), response.headers.get('content-type'), problem]
}

const problem = (status: number, challenge: string | null, code: string): unknown => [
  status,
  challenge,
  'application/problem+json',
  { type: expect.stringMatching(/^urn:wimse:problem:/), title: expect.any(String), status, code },
]

describe('a service that is called', () => {
  it.each([
    ['mutual-tls', 'mutual-tls'],
    ['wpt', 'wpt'],
    ['http-signature', 'http-signature'],
    ['http-signature-and-response', 'http-signature'],
    ['jwt-svid', 'jwt-svid'],
  ] as const)('CRED-7-01: knows a caller by %s, of its own and of the other trust domain', async (choice, kind) => {
    proof = choice
    for (const at of [origin, ledgerOrigin]) {
      const response = await charge(at)
      expect([response.status, await response.json()]).toEqual([200, { for: ORDERS, by: [kind], method: 'POST' }])
      expect(response.headers.has('signature')).toBe(choice === 'http-signature-and-response')
    }
    expect(errors).toEqual([])
  })

  it.each([
    ['wpt', 'WPT-2.1-02 WPT-2.1-03 WPT-2.1-04: 401 with the challenge', 401, 'WPT'],
    ['http-signature', 'CRED-5.2-02 CRED-5.2-04 SIG-3.6-04: 400 without a challenge', 400, null],
  ] as const)('at an endpoint for %s, %s for a missing proof', async (kind, _title, status, challenge) => {
    proof = 'mutual-tls'
    const answer = await orders.fetch(`${origin}/${kind}/charges`)
    expect(await problemOf(answer)).toEqual(problem(status, challenge, 'ERR_PROOF_MISSING'))
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['wpt', 401, 'WPT', 'ERR_WIT_TRUST_DOMAIN'],
    ['http-signature', 400, null, 'ERR_WIT_TRUST_DOMAIN'],
    ['jwt-svid', 400, null, 'ERR_JWT_SVID_TRUST_DOMAIN'],
  ] as const)(
    'CRED-5.2-01 CRED-5.2-03: by %s, a credential that is not valid here is answered with %i',
    async (choice, status, challenge, code) => {
      proof = choice
      // The connection is of a trusted domain, the credential is not.
      const { credential } = await domains.bank.issueWit(LEDGER)
      const token = await domains.bank.issueJwtSvid(LEDGER, { audience: [origin] })
      domains.paymentsApi.setFederated([])
      await eventually(() => !trusts(payments, 'bank.example'))
      const source = {
        ...orders.source,
        wit: { ...orders.source.wit, current: () => credential },
        jwt: { fetch: async () => ({ token }), close: () => undefined },
        ready: async () => undefined,
        close: () => undefined,
      } as unknown as WorkloadOptions['source']
      const stranger = await caller({ source })
      expect(await problemOf(await charge(origin, stranger))).toEqual(problem(status, challenge, code))
    },
  )

  it.each([
    ['wpt', 401, 'WPT', 'ERR_WPT_AUD'],
    ['http-signature', 400, null, 'ERR_HTTP_SIGNATURE_AUD'],
  ] as const)(
    'WPT-2.1-01 SIG-3.6-01 SIG-3.6-02 WPT-2.1-06 SIG-3.6-03: by %s, a proof for another is answered with %i',
    async (choice, status, challenge, code) => {
      proof = choice
      const fields = [['content-type', 'text/plain']] as const
      const target = `/${choice}/charges`
      const view = requestViewOfParts({
        method: 'POST',
        scheme: 'https',
        authority: new URL(origin).host,
        target,
        fields,
        body: utf8('{}'),
      })
      const prepared = await orders.prepare(view, { audience: 'https://fraud.shop.example/' })
      const { response } = await orders.send(prepared.request)
      const { response: processed } = await orders.process(response, prepared)
      expect(
        await problemOf(
          new Response(processed.body as BodyInit, { status: processed.status, headers: [...processed.fields] as [string, string][] }),
        ),
      ).toEqual(problem(status, challenge, code))
      const again = await orders.prepare(view)
      expect((await orders.send(again.request)).response.status).toBe(200)
      expect((await orders.send(again.request)).response.status).toBe(status)
    },
  )

  it('ID-4.3-03: a caller that is known and not allowed gets 403, signed where it requires that', async () => {
    await domains.ordersApi.setIdentities([{ identifier: 'spiffe://shop.example/rogue' }])
    await eventually(() => orders.identifier.endsWith('/rogue') && orders.source.wit?.current().identifier.endsWith('/rogue') === true)
    for (const choice of ['wpt', 'mutual-tls', 'http-signature', 'http-signature-and-response'] as const) {
      proof = choice
      const answer = await charge()
      expect(answer.headers.has('signature')).toBe(choice === 'http-signature-and-response')
      expect(await problemOf(answer)).toEqual(problem(403, null, 'ERR_POLICY_DENIED'))
    }
  })

  it('WPT-2.2-04: a bearer token is refused where it is not taken', async () => {
    proof = 'jwt-svid'
    const answer = await orders.fetch(`${origin}/wpt/charges`)
    expect(await problemOf(answer)).toEqual(problem(401, 'WPT', 'ERR_POLICY_BEARER'))
  })

  it('WPT-2.1-05: a handler that fails, or whose own calls are refused, is nothing about the caller', async () => {
    const failures = [new Error('of the handler'), new WimseError('ERR_WIT_EXPIRED'), new WimseError('ERR_WIT_EXPIRED')]
    handler = () => Promise.reject(failures.shift())
    for (const choice of ['wpt', 'wpt', 'http-signature-and-response'] as const) {
      proof = choice
      const answer = await charge()
      expect([answer.status, answer.headers.get('www-authenticate'), await answer.text()]).toEqual([500, null, ''])
    }
    expect(errors).toHaveLength(3)
  })

  it('SIG-3.5-04 SIG-3.6-05: no success goes out where the signature that was required can not be had', async () => {
    handler = () => new Response('x'.repeat(2_000_000))
    proof = 'http-signature-and-response'
    await expect(charge()).rejects.toMatchObject({ code: 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED', detail: expect.stringContaining('400') })
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_SIGNATURE_CANNOT_SIGN' })])
    proof = 'http-signature'
    expect((await (await charge()).text()).length).toBe(2_000_000)
  })

  it('answers of every shape come through, signed or not', async () => {
    for (const choice of ['wpt', 'http-signature-and-response'] as const) {
      proof = choice
      for (const status of [204, 205, 304]) {
        handler = () => new Response(null, { status })
        expect((await charge()).status).toBe(status)
      }
      handler = () =>
        new Response('plain', {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        })
      const cookies = await charge()
      expect([cookies.headers.getSetCookie(), await cookies.text()]).toEqual([['a=1', 'b=2'], 'plain'])
    }
    proof = 'wpt'
    handler = () => Response.redirect('https://elsewhere.example/', 302)
    expect((await charge()).headers.get('location')).toBe('https://elsewhere.example/')
    handler = async ({ body }) => new Response(body as ReadableStream)
    const big = 'y'.repeat(3_000_000)
    expect(await (await charge(origin, orders, { body: big })).text()).toBe(big)
    expect((await charge(origin, orders, { method: 'GET', body: null })).status).toBe(200)
    expect(await (await charge(origin, orders, { body: null })).text()).toBe('')
  })

  it('a body that nobody reads does not hold up the connection', async () => {
    handler = () => new Response('done')
    const big = 'y'.repeat(3_000_000)
    for (const path of ['wpt', 'mutual-tls']) {
      const answers = [await orders.fetch(`${origin}/${path}/`, { method: 'POST', body: big }), await orders.fetch(`${origin}/${path}/`)]
      for (const answer of answers) await answer.text()
      expect(answers.map(({ status }) => status)).toEqual(path === 'wpt' ? [200, 200] : [400, 400])
    }
  })

  it('a response that breaks off is none, and the service goes on', async () => {
    handler = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(utf8('part')),
          pull: (controller) => controller.error(new Error('broken')),
        }),
      )
    await expect(charge().then((answer) => answer.text())).rejects.toThrow()
    handler = describeCaller
    expect((await charge()).status).toBe(200)
  })
})

describe('a workload that calls', () => {
  it('ID-5-01 ID-5-02: finds the identifier in a table or by a function, and accepts that peer alone', async () => {
    const byFunction = await caller({ peers: (at) => (at === origin ? PAYMENTS : undefined) })
    expect((await charge(origin, byFunction)).status).toBe(200)
    for (const peers of [{ [origin]: LEDGER }, () => LEDGER]) {
      expect(await codeOf(charge(origin, await caller({ peers })))).toBe('ERR_MTLS_PEER')
    }
  })

  it('ID-5-04: a mapping that says one thing and then another gets no answer through', async () => {
    const answers = [PAYMENTS, LEDGER]
    expect(await codeOf(charge(origin, await caller({ peers: () => answers.shift() })))).toBe('ERR_MTLS_PEER')
    const constant = await caller({ peers: () => PAYMENTS, proof: 'http-signature-and-response' })
    proof = 'http-signature-and-response'
    expect((await charge(origin, constant)).status).toBe(200)
  })

  it('ID-5-03: takes no identifier from a host name', async () => {
    expect(await codeOf(charge(origin, await caller({ peers: {} })))).toBe('ERR_IDENTIFIER_UNMAPPED')
    expect(await codeOf(charge(origin, await caller({ peers: () => undefined })))).toBe('ERR_IDENTIFIER_UNMAPPED')
  })

  it('ID-5-01: a table with something that is no identifier is found at the start', async () => {
    expect(await codeOf(caller({ peers: { [origin]: 'payments' } }))).toMatch(/^ERR_IDENTIFIER_/)
  })

  it('WPT-3.1.1-02: sends no token to a host that its certificate does not name', async () => {
    let seen = 0
    handler = () => {
      seen += 1
      return new Response()
    }
    expect((await charge()).status).toBe(200)
    const { x509 } = payments.source
    const before = x509.current()
    await domains.paymentsApi.setIdentities([{ identifier: PAYMENTS, dnsNames: ['payments.shop.example'] }])
    await eventually(() => x509.current() !== before)
    seen = 0
    expect(await codeOf(charge(origin, await caller()))).toBe('ERR_MTLS_SERVER_NAME')
    expect(seen).toBe(0)
    expect((await charge(origin, await caller({ tls: { verifyHostName: false } }))).status).toBe(200)
  })

  it('WPT-3.1.1-01: speaks to nobody without TLS', async () => {
    expect(await codeOf(orders.fetch(origin.replace('https', 'http')))).toBe('ERR_INSECURE_CHANNEL')
  })

  it('rejects with the reason of its signal', async () => {
    const controller = new AbortController()
    handler = () => {
      controller.abort(new Error('enough'))
      return new Promise(() => undefined)
    }
    await expect(charge(origin, orders, { signal: controller.signal })).rejects.toThrow('enough')
    await expect(charge(origin, orders, { signal: controller.signal })).rejects.toThrow('enough')
  })

  it('gives coded errors for messages that can not be sent', async () => {
    const view = requestViewOfParts({ method: 'GET', scheme: 'https', authority: new URL(origin).host, target: '/', fields: [] })
    for (const wrong of [
      { authority: 'a b' },
      { authority: 'user@localhost' },
      { authority: '' },
      { path: '/ü' },
      { path: '/a#b' },
      { path: 'a' },
      { method: 'G T' },
      { fields: [['x', 'a\nb']] as const },
    ]) {
      expect(await codeOf(orders.send({ ...view, ...wrong }))).toBe('ERR_MESSAGE_MALFORMED')
    }
  })

  it('ends with its source, and what is closed has no credential', async () => {
    orders.close()
    expect(await codeOf(charge())).toBe('ERR_CREDENTIAL_UNAVAILABLE')
  })

  it('WLAPI-4.1-01: waits for its credentials no longer than it is told, and closes its source', async () => {
    await domains.ordersApi.setIdentities([])
    const waiting = caller({ readyTimeoutMs: 5_000 })
    await domains.runtime.nextDelay()
    domains.runtime.advance(5)
    expect(await codeOf(waiting)).toBe('ERR_CREDENTIAL_UNAVAILABLE')
  })
})

describe('rotation', () => {
  it.each(['mutual-tls', 'wpt', 'http-signature-and-response'] as const)('no call by %s fails while everything rotates', async (choice) => {
    proof = choice
    for (let round = 0; round < 4; round += 1) {
      const calls = Array.from({ length: 3 }, () => charge())
      await Promise.all([domains.ordersApi.rotate(), domains.paymentsApi.rotate()])
      for (const kind of ['x509', 'wit', 'jwt'] as const) {
        await domains.shop.prepare(kind)
        await domains.shop.rotate(kind)
      }
      for (const answer of await Promise.all(calls)) {
        expect(answer.status).toBe(200)
        await answer.text()
      }
    }
    expect(errors).toEqual([])
  })

  it('CRED-9.4-03: a workload whose credentials have expired calls nobody', async () => {
    domains.runtime.advance(3600)
    expect(await codeOf(charge())).toMatch(/^ERR_CREDENTIAL_EXPIRED$/)
  })
})

describe('a federation that is withdrawn', () => {
  it('FED-6.3-01: ends connections that are kept alive, on the side of the service', async () => {
    proof = 'mutual-tls'
    for (let round = 0; round < 2; round += 1) expect(await (await charge(ledgerOrigin)).json()).toMatchObject({ for: ORDERS })
    expect(connections.size).toBe(1)
    domains.ledgerApi.setFederated([])
    await eventually(() => !trusts(ledger, 'shop.example'))
    const answer = await charge(ledgerOrigin)
    expect(answer.headers.get('connection')).toBe('close')
    expect(await problemOf(answer)).toEqual(problem(400, null, 'ERR_TRUST_DOMAIN_UNKNOWN'))
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_TRUST_DOMAIN_UNKNOWN' })])
    expect(await codeOf(charge(ledgerOrigin))).toBe('ERR_MTLS_CONNECTION')
    expect(refused).toContain('ERR_TRUST_DOMAIN_UNKNOWN')
    domains.ledgerApi.setFederated([domains.shop])
    await eventually(() => trusts(ledger, 'shop.example'))
    expect((await charge(ledgerOrigin)).status).toBe(200)
  })

  it('FED-6.3-01: ends connections that are kept alive, on the side of the caller', async () => {
    expect((await charge(ledgerOrigin)).status).toBe(200)
    domains.ordersApi.setFederated([])
    await eventually(() => !trusts(orders, 'bank.example'))
    expect(await codeOf(charge(ledgerOrigin))).toBe('ERR_TRUST_DOMAIN_UNKNOWN')
    expect((await charge()).status).toBe(200)
  })
})
