import { parseWorkloadIdentifier, type RequestView, responseViewOfResponse } from '@wimse/core'
import { issueWit } from '@wimse/wit'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AuthenticatorOptions, assertAuthenticatedPeer, type ConnectionPeer, createAuthorizer } from '../src/index.ts'
import {
  authenticatorOf,
  call,
  charge,
  codeOf,
  field,
  fieldsOf,
  LEDGER,
  makeWorld,
  ORDERS,
  ORIGIN,
  PAYMENTS,
  type World,
  withFields,
  without,
} from './world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
})

const connection: ConnectionPeer = { identifier: parseWorkloadIdentifier('spiffe://shop.example/proxy'), notAfter: 2_000_000_000 }
const WIT = 'workload-identity-token'
const SIGNATURE = ['signature', 'signature-input', 'content-digest']

async function both(): Promise<RequestView> {
  const wpt = await call(world, 'wpt')
  const { request } = await call(world, 'http-signature', { request: charge(fieldsOf(wpt, 'authorization')) })
  return request
}

/** The code of a refusal, or the kinds of the proofs that held. */
async function outcome(request: RequestView, options: Partial<AuthenticatorOptions> = {}, peer?: ConnectionPeer): Promise<string> {
  const authenticated = authenticatorOf(world, options).authenticate(request, peer)
  const code = await codeOf(authenticated)
  return code === 'nothing was thrown' ? (await authenticated).peer.proofs.map(({ kind }) => kind).join('+') : code
}

describe('who made a request', () => {
  it.each(['wpt', 'http-signature', 'http-signature-and-response', 'jwt-svid'] as const)(
    'CRED-7-01 CRED-7-03 ID-7.2-01: the subject of a credential that was proven by %s is the peer',
    async (proof) => {
      const { request } = await call(world, proof)
      const options = { accept: ['wpt', 'http-signature', 'jwt-svid'], audience: ORIGIN, credential: () => world.payments } as const
      const { peer } = await authenticatorOf(world, options).authenticate(request, connection)
      expect(peer).toMatchObject({ identifier: ORDERS, trustDomain: 'shop.example', connection: connection.identifier })
      expect(peer.claims['sub']).toBe(ORDERS)
      expect(Object.isFrozen(peer)).toBe(true)
    },
  )

  it('CRED-7-04: the URI name of a client certificate is the peer where mutual TLS is taken', async () => {
    const { peer } = await authenticatorOf(world, { accept: ['mutual-tls'] }).authenticate(charge(), connection)
    expect(peer).toMatchObject({
      identifier: connection.identifier,
      claims: {},
      proofs: [{ kind: 'mutual-tls', expiresAt: connection.notAfter }],
    })
  })

  it('CRED-7-04 ID-5-03: a connection is no peer where mutual TLS is not taken, and nothing else of a request names one', async () => {
    const host = withFields(charge(), [
      ['host', 'payments.shop.example'],
      ['x-forwarded-client-cert', `URI=${ORDERS}`],
    ])
    expect(await outcome(host, {}, connection)).toBe('ERR_PROOF_MISSING')
    expect(await outcome(host, { accept: ['mutual-tls'] })).toBe('ERR_PROOF_MISSING')
  })

  it('CRED-7-05: policy can read the claims beside the identifier', async () => {
    const { credential } = await world.shop.issueWit(ORDERS, { claims: { region: 'north' } })
    const { request } = await call(world, 'wpt', { credentials: { ...world.credentials, wit: () => credential } })
    const { peer } = await authenticatorOf(world).authenticate(request)
    await createAuthorizer(({ claims }) => claims['region'] === 'north')(peer)
    expect(await codeOf(createAuthorizer(({ claims }) => claims['region'] === 'south')(peer))).toBe('ERR_POLICY_DENIED')
  })
})

describe('credentials and proofs that a request has', () => {
  it.each([
    ['wpt', 'wpt', ['wpt']],
    ['wpt', 'wpt', ['wpt', 'http-signature']],
    ['http-signature', 'http-signature', ['http-signature']],
    ['http-signature', 'http-signature', ['wpt', 'http-signature', 'mutual-tls', 'jwt-svid']],
    ['jwt-svid', 'jwt-svid', ['jwt-svid', 'wpt']],
    ['wpt', 'ERR_PROOF_MISSING', ['http-signature']],
    ['wpt', 'ERR_PROOF_MISSING', ['mutual-tls']],
    ['http-signature', 'ERR_PROOF_MISSING', ['wpt']],
    ['jwt-svid', 'ERR_POLICY_BEARER', ['wpt', 'http-signature']],
    ['jwt-svid', 'ERR_POLICY_BEARER', ['wpt']],
    ['mutual-tls', 'ERR_PROOF_MISSING', ['wpt']],
  ] as const)('a call by %s is %s where %j are taken', async (proof, expected, accept) => {
    expect(await outcome((await call(world, proof)).request, { accept })).toBe(expected)
  })

  it('CRED-9.2-01: a WIT without a proof is refused, also over a connection that would do alone', async () => {
    const request = withFields(charge(), [[WIT, world.orders.token]])
    expect(await outcome(request)).toBe('ERR_PROOF_MISSING')
    expect(await outcome(request, { accept: ['wpt', 'mutual-tls'] }, connection)).toBe('ERR_PROOF_MISSING')
  })

  it.each(['wpt', 'http-signature'] as const)(
    'CRED-5.1.1-01: a proof by %s without its WIT is refused, whatever else there is',
    async (proof) => {
      const request = without((await call(world, proof)).request, WIT)
      expect(await outcome(request)).toBe('ERR_WIT_MISSING')
      expect(await outcome(request, { accept: ['wpt', 'http-signature', 'mutual-tls'] }, connection)).toBe('ERR_WIT_MISSING')
    },
  )

  it('CRED-5.1.1-02: two WITs are refused', async () => {
    const { request } = await call(world, 'wpt')
    expect(await outcome(withFields(request, [[WIT, world.orders.token]]))).toBe('ERR_WIT_HEADER_COUNT')
  })

  it('WPT-2-28 WPT-2-29: a second Authorization field, and one of another scheme where only a WPT would do', async () => {
    const { request } = await call(world, 'wpt')
    expect(await outcome(withFields(request, [['authorization', 'Basic x']]))).toBe('ERR_WPT_AUTHORIZATION_COUNT')
    const basic = withFields(without(request, 'authorization'), [['authorization', 'Basic x']])
    expect(await outcome(basic, { accept: ['wpt'] })).toBe('ERR_WPT_SCHEME')
    expect(await outcome(basic)).toBe('ERR_PROOF_MISSING')
  })

  it('WPT-2-04: the scheme is matched without regard to case, and a malformed WPT is judged and not skipped', async () => {
    const { request } = await call(world, 'wpt')
    const named = (value: string): RequestView => withFields(without(request, 'authorization'), [['authorization', value]])
    expect(await outcome(named(field(request, 'authorization').replace('WPT', 'wPt')))).toBe('wpt')
    for (const value of ['WPT', 'WPT ', 'WPT\ta.b.c', 'WPT a.b.c, WPT d.e.f']) {
      expect(await outcome(named(value), { accept: ['wpt', 'mutual-tls'] }, connection)).toMatch(/^ERR_WPT_(?:MALFORMED|SCHEME)$/)
    }
  })

  it('a WPT and an HTTP signature: both hold, both are proofs', async () => {
    const { peer } = await authenticatorOf(world).authenticate(await both())
    expect(peer.proofs.map(({ kind, identifier }) => [kind, identifier])).toEqual([
      ['http-signature', ORDERS],
      ['wpt', ORDERS],
    ])
  })

  it('a WPT and an HTTP signature: one of them failing refuses the request', async () => {
    const other = await call(world, 'wpt', { audience: 'https://fraud.shop.example/charges' })
    const wrongWpt = await call(world, 'http-signature', { request: charge(fieldsOf(other, 'authorization')) })
    expect(await outcome(wrongWpt.request)).toBe('ERR_WPT_AUD')
    expect(await outcome({ ...(await both()), method: 'PUT' })).toBe('ERR_HTTP_SIGNATURE_INVALID')
  })

  it('a WPT and an HTTP signature of another WIT of the same workload', async () => {
    const { credential } = await world.shop.issueWit(ORDERS)
    const wpt = await call(world, 'wpt', { credentials: { ...world.credentials, wit: () => credential } })
    const { request } = await call(world, 'http-signature', { request: charge(fieldsOf(wpt, 'authorization')) })
    expect(await outcome(request)).toBe('ERR_WPT_SIGNATURE')
  })

  it('a proof that is not taken here is no proof, neither for nor against', async () => {
    expect(await outcome({ ...(await both()), method: 'PUT' }, { accept: ['wpt'] })).toBe('wpt')
    expect(await outcome(await both(), { accept: ['http-signature'] })).toBe('http-signature')
  })

  it('SIG-5.2-01: the signature of someone else stands in the way of no WPT, and is no proof either', async () => {
    const { request } = await call(world, 'wpt')
    const foreign = [
      ['signature-input', 'proxy=("@method");created=1;tag="edge"'],
      ['signature', 'proxy=:AAAA:'],
    ] as const
    expect(await outcome(withFields(request, foreign))).toBe('wpt')
    expect(await outcome(withFields(without(request, 'authorization'), foreign))).toBe('ERR_HTTP_SIGNATURE_MISSING')
    const malformed = [['signature-input', 'wimse=("@method"'] as const, ['signature', ''] as const]
    expect(await outcome(withFields(without(request, 'authorization'), malformed))).toMatch(/^ERR_HTTP_MESSAGE_/)
  })

  it.each([
    ['CRED-5.1-13: a WIT as a bearer token', (token: string) => `Bearer ${token}`],
    ['a WIT without a scheme', (token: string) => token],
    ['a WIT under another scheme', (token: string) => `DPoP ${token}`],
    ['a WIT behind a tab', (token: string) => `Bearer\t${token}`],
    ['a WIT behind other credentials', (token: string) => `Basic x, Bearer ${token}`],
  ])('%s is refused everywhere', async (_title, value) => {
    const { token } = world.orders
    const bare = withFields(charge(), [['authorization', value(token)]])
    for (const accept of [['wpt'], ['http-signature'], ['jwt-svid'], ['mutual-tls']] as const) {
      expect(await outcome(bare, { accept }, connection)).toBe('ERR_WIT_AS_BEARER')
    }
    const signed = await call(world, 'http-signature', { request: bare })
    expect(await outcome(signed.request)).toBe('ERR_WIT_AS_BEARER')
  })

  it('WPT-2.2-04: a bearer token beside another proof is not looked at, and rescues no request', async () => {
    const token = await world.shop.issueJwtSvid('spiffe://shop.example/admin', { audience: [ORIGIN] })
    const bearer = ['authorization', `Bearer ${token}`] as const
    const accept = ['wpt', 'http-signature', 'jwt-svid'] as const
    const signed = await call(world, 'http-signature', { request: charge([bearer]) })
    const { peer } = await authenticatorOf(world, { accept }).authenticate(signed.request)
    expect([peer.identifier, peer.proofs.length]).toEqual([ORDERS, 1])
    expect(await outcome({ ...signed.request, method: 'PUT' }, { accept })).toBe('ERR_HTTP_SIGNATURE_INVALID')
    const { request } = await call(world, 'wpt')
    expect(await outcome(withFields(without(request, 'authorization'), [bearer]), { accept })).toBe('ERR_PROOF_MISSING')
    expect(await outcome(withFields(request, [['x-access-token', token]]))).toBe('wpt')
    const { peer: overTls } = await authenticatorOf(world, { accept: ['mutual-tls'] }).authenticate(charge([bearer]), connection)
    expect(overTls.identifier).toBe(connection.identifier)
  })

  it('WPT-2.2-06: Proxy-Authorization is for someone else', async () => {
    const { request } = await call(world, 'wpt', { request: charge([['proxy-authorization', 'Basic x']]) })
    expect(await outcome(request)).toBe('wpt')
  })

  it('WPT-2.2-05: a transaction token that the proof does not bind is refused, one that it binds is not', async () => {
    const own = charge([['txn-token', 'a.b.c']])
    expect(await outcome((await call(world, 'wpt', { request: own })).request)).toBe('wpt')
    expect(await outcome(withFields((await call(world, 'wpt')).request, [['txn-token', 'a.b.c']]))).toBe('ERR_WPT_TTH_MISSING')
    expect(await outcome(withFields((await call(world, 'http-signature')).request, [['txn-token', 'a.b.c']]))).toBe(
      'ERR_HTTP_SIGNATURE_COMPONENT_MISSING',
    )
  })

  it.each([
    ['wpt', 'ERR_WPT_OTH_MISSING'],
    ['http-signature', 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING'],
  ] as const)('context fields, however they are spelt, are bound by %s or refused', async (proof, refusal) => {
    const contextFields = ['X-User']
    const bound = await call(world, proof, { contextFields, request: charge([['x-uSer', 'ada']]) })
    expect(await outcome(bound.request, { contextFields })).toBe(proof)
    expect(await outcome(withFields((await call(world, proof)).request, [['x-user', 'ada']]), { contextFields })).toBe(refusal)
  })
})

describe('what is refused', () => {
  it.each(['wpt', 'http-signature'] as const)('the second use of a proof by %s', async (proof) => {
    const { request } = await call(world, proof)
    expect(await outcome(request)).toBe(proof)
    expect(await outcome(request)).toMatch(/_REPLAYED$/)
  })

  it('CRED-7-02: a workload whose trust domain is not trusted, or not any more', async () => {
    const { credential } = await world.bank.issueWit(LEDGER)
    const by = { credentials: { ...world.credentials, wit: () => credential } }
    const authenticator = authenticatorOf(world)
    await authenticator.authenticate((await call(world, 'wpt', by)).request)
    world.trusted.pop()
    const again = await call(world, 'wpt', by)
    expect(await codeOf(authenticator.authenticate(again.request))).toBe('ERR_WIT_TRUST_DOMAIN')
  })

  it('CRED-7-02: an identifier of one trust domain signed by another', async () => {
    const { credential } = await world.bank.issueWit(ORDERS)
    const { request } = await call(world, 'wpt', { credentials: { ...world.credentials, wit: () => credential } })
    expect(await outcome(request)).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it('CRED-5.2-01: a WIT of the other profile, where the profile is configured', async () => {
    const { token } = world.orders
    const signer = world.orders.signer
    const name = 'wimse://shop.example/orders'
    const wimse = await world.shop.issueWit(name)
    expect(token).not.toBe(wimse.credential.token)
    const { request } = await call(world, 'wpt', { credentials: { ...world.credentials, wit: () => wimse.credential } })
    expect(await outcome(request, { witProfile: 'wit-svid' })).toBe('ERR_WIT_SUB')
    expect(await outcome(request)).toBe('wpt')
    const forged = await issueWit(
      { profile: 'wit-svid', subject: ORDERS, confirmationKey: signer.publicJwk, lifetimeSeconds: 60 },
      { signer, keyId: signer.thumbprint, runtime: world.runtime },
    )
    const own = await call(world, 'wpt', { credentials: { ...world.credentials, wit: () => ({ ...world.orders, token: forged }) } })
    expect(await outcome(own.request)).toBe('ERR_WIT_KEY_UNKNOWN')
  })

  it.each([
    ['no audience', { audience: [] }],
    ['no proof that is taken', { accept: [] }],
    ['an unknown proof', { accept: ['WPT'] }],
    ['a context field that can not be bound', { contextFields: ['authorization'] }],
    ['a tolerance beyond bounds', { clockToleranceSeconds: 3600 }],
    ['signed responses without a credential', { signResponses: 'always' }],
  ])('a configuration with %s', (_title, options) => {
    expect(() => authenticatorOf(world, options as unknown as Partial<AuthenticatorOptions>)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }),
    )
  })
})

describe('signed responses', () => {
  const answer = () => responseViewOfResponse(Response.json({ ok: true }))

  it('SIG-3.5-02: one that the caller requires is signed, others are left as they are', async () => {
    const authenticator = authenticatorOf(world, { credential: () => world.payments })
    const required = await authenticator.authenticate((await call(world, 'http-signature-and-response')).request)
    expect(field(await required.finish(answer()), 'signature-input')).toContain('wimse-req-nonce')
    for (const proof of ['http-signature', 'wpt'] as const) {
      const optional = await authenticator.authenticate((await call(world, proof)).request)
      const response = answer()
      expect(await optional.finish(response)).toBe(response)
    }
  })

  it('SIG-3.5-03 SIG-3.5-08 SIG-3.5-01: policy of the server signs every response to a signed request', async () => {
    const authenticator = authenticatorOf(world, { credential: () => world.payments, signResponses: 'always' })
    const { finish } = await authenticator.authenticate((await call(world, 'http-signature')).request)
    expect(field(await finish(answer()), 'signature-input')).toContain('wimse-req-nonce')
    const byWpt = await authenticator.authenticate((await call(world, 'wpt')).request)
    expect(field(await byWpt.finish(answer()), 'signature-input')).toBe('')
  })

  it('SIG-3.5-05: a required one that can not be made is refused before the handler does anything', async () => {
    const { request } = await call(world, 'http-signature-and-response')
    expect(await outcome(request)).toBe('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
    const { credential } = await world.shop.issueWit(PAYMENTS, { lifetimeSeconds: 10 })
    world.runtime.advance(10)
    const later = await call(world, 'http-signature-and-response')
    expect(await outcome(later.request, { credential: () => credential })).toBe('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
  })

  it('SIG-3.5-04 SIG-3.6-05: a response that turns out not to be signable is no response', async () => {
    const authenticator = authenticatorOf(world, { credential: () => world.payments, maxBodyBytes: 100 })
    const big = await authenticator.authenticate((await call(world, 'http-signature-and-response')).request)
    expect(await codeOf(big.finish(responseViewOfResponse(new Response('x'.repeat(101)))))).toBe('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
    const own = await authenticator.authenticate((await call(world, 'http-signature-and-response')).request)
    const wrongDigest = new Response('x', { headers: { 'content-digest': 'sha-256=:AAAA:' } })
    expect(await codeOf(own.finish(responseViewOfResponse(wrongDigest)))).toBe('ERR_HTTP_SIGNATURE_CANNOT_SIGN')
  })
})

describe('authorization', () => {
  const decide = async (allow: Parameters<typeof createAuthorizer>[0]): Promise<string> => {
    const { peer } = await authenticatorOf(world).authenticate((await call(world, 'wpt')).request)
    return codeOf(createAuthorizer(allow)(peer))
  }

  it.each([
    ['the identifier', ORDERS],
    ['a list with it', [PAYMENTS, ORDERS]],
    ['a pattern of whole segments', 'spiffe://shop.example/*'],
    ['a function that says true', async () => true],
  ])('ID-4.3-03: %s allows', async (_title, allow) => {
    expect(await decide(allow)).toBe('nothing was thrown')
  })

  it.each([
    ['another identifier', PAYMENTS],
    ['CRED-7-02: the same path in another trust domain', 'spiffe://bank.example/orders'],
    ['a pattern below it', 'spiffe://shop.example/orders/*'],
    ['an empty list', []],
    ['a function that says something like true', (() => 'yes') as unknown as () => boolean],
  ])('ID-4.3-03: %s does not', async (_title, allow) => {
    expect(await decide(allow)).toBe('ERR_POLICY_DENIED')
  })

  it('ID-7.2-01: nobody is authorized who was not authenticated', async () => {
    const { peer } = await authenticatorOf(world).authenticate((await call(world, 'wpt')).request)
    for (const forged of [{ ...peer }, JSON.parse(JSON.stringify({ identifier: ORDERS })), null, undefined]) {
      expect(await codeOf(createAuthorizer(() => true)(forged))).toBe('ERR_OPTIONS_INVALID')
      expect(() => assertAuthenticatedPeer(forged)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
    }
  })

  it.each([
    ['ID-7.6-01: a wildcard that is no pattern', 'spiffe://*/orders', 'ERR_IDENTIFIER_PATTERN'],
    ['nothing', undefined as unknown as string, 'ERR_OPTIONS_INVALID'],
  ])('a rule of %s is found at the start', (_title, allow, code) => {
    expect(() => createAuthorizer(allow)).toThrow(expect.objectContaining({ code }))
  })
})

it('the fields of a signature are those that the tests take away', async () => {
  const { request } = await call(world, 'http-signature')
  expect(await outcome(without(request, ...SIGNATURE))).toBe('ERR_PROOF_MISSING')
})
