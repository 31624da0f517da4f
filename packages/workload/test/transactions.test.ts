import { inMemoryReplayStore, isWimseError, parseWorkloadIdentifier, type RequestView, responseViewOfResponse } from '@wimse/core'
import { type BoundTransactionToken, bindTransactionToken, type VerifiedTransactionToken } from '@wimse/transaction-tokens'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthenticatedRequest,
  type AuthenticatorOptions,
  authenticateRequest,
  type ConnectionPeer,
  createAuthorizer,
  type TransactionTokenRules,
} from '../src/index.ts'
import type { PrepareCallOptions, ProofChoice } from '../src/node.ts'
import { makeTokenService, type TokenService, TXN } from './transactions.ts'
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
  type World,
  withFields,
  without,
} from './world.ts'

const ROGUE = 'spiffe://shop.example/rogue'
const BINDING = ['wpt', 'http-signature'] as const
const connection: ConnectionPeer = { identifier: parseWorkloadIdentifier(ORDERS), notAfter: 2_000_000_000 }

let world: World
let service: TokenService
let token: string
let verified: VerifiedTransactionToken
beforeEach(async () => {
  world = await makeWorld()
  service = await makeTokenService(world.runtime)
  token = await service.issue({ transactionContext: { amount: 12 } })
  verified = await service.verifier()(token)
})

interface Told extends Partial<AuthenticatorOptions> {
  readonly rules?: Partial<TransactionTokenRules>
}

function authenticate(request: RequestView, { rules, ...told }: Told = {}, peer?: ConnectionPeer): Promise<AuthenticatedRequest> {
  const transactionTokens = { verify: service.verifier(), ...rules }
  return authenticatorOf(world, { transactionTokens, ...told }).authenticate(request, peer)
}

async function carried(
  proof: ProofChoice,
  options: Partial<PrepareCallOptions> & { readonly request?: RequestView } = {},
): Promise<RequestView> {
  return (await call(world, proof, { transaction: verified, ...options })).request
}

/** Another workload of the shop, or of the bank, with a credential of its own. */
async function as(identifier: string): Promise<Pick<PrepareCallOptions, 'credentials'>> {
  const { credential } = await (identifier === LEDGER ? world.bank : world.shop).issueWit(identifier)
  return { credentials: { ...world.credentials, wit: () => credential } }
}

describe('the transaction of a request', () => {
  it.each(BINDING)('TXN-12-01 TXN-12.2-01 WPT-2-39 SIG-3-11: is the one that its caller vouches for by %s', async (proof) => {
    const { transaction, peer } = await authenticate(await carried(proof), { rules: { required: true } })
    expect(transaction).toMatchObject({ caller: ORDERS, proof, token: { token, subject: 'user:ada', transactionContext: { amount: 12 } } })
    expect(transaction?.caller).toBe(peer.identifier)
  })

  it('TXN-12.2-01: both proofs have to bind it where there are both', async () => {
    const wpt = await carried('wpt')
    const fields = fieldsOf({ ...(await call(world, 'wpt')), request: wpt }, 'authorization', TXN)
    const { transaction, peer } = await authenticate((await call(world, 'http-signature', { request: charge(fields) })).request)
    expect([transaction?.token.transaction, peer.proofs.length]).toEqual([verified.transaction, 2])
    const unbound = fieldsOf(await call(world, 'wpt'), 'authorization')
    const { request } = await call(world, 'http-signature', { request: charge([...unbound, [TXN, token]]) })
    expect(await codeOf(authenticate(request))).toBe('ERR_WPT_TTH_MISSING')
  })

  it.each(BINDING)('by %s a request need not have one, unless it is required', async (proof) => {
    const without = async (): Promise<RequestView> => (await call(world, proof)).request
    expect((await authenticate(await without())).transaction).toBeUndefined()
    expect(await codeOf(authenticate(await without(), { rules: { required: true } }))).toBe('ERR_TXN_TOKEN_MISSING')
  })

  it('is nobody’s business where it is not asked for: the proof covers its octets, and no more', async () => {
    const request = charge([[TXN, 'not.a.token']])
    for (const proof of BINDING) {
      const { transaction } = await authenticatorOf(world).authenticate((await call(world, proof, { request })).request)
      expect(transaction).toBeUndefined()
    }
    expect(await codeOf(authenticate((await call(world, 'wpt', { request })).request))).toBe('ERR_TXN_MALFORMED')
  })

  it.each<readonly [ProofChoice, string, string, (request: RequestView, other: string) => RequestView]>([
    ['wpt', 'TXN-12.2-05 WPT-2-39: changed', 'ERR_WPT_TTH', (request, other) => withFields(without(request, TXN), [[TXN, other]])],
    ['wpt', 'WPT-2-39: removed', 'ERR_WPT_TTH', (request) => without(request, TXN)],
    ['wpt', 'TXN-12.1-02: doubled', 'ERR_TXN_TOKEN_COUNT', (request) => withFields(request, [[TXN, field(request, TXN)]])],
    ['wpt', 'TXN-12.1-02: with a second one', 'ERR_TXN_TOKEN_COUNT', (request, other) => withFields(request, [[TXN, other]])],
    [
      'http-signature',
      'TXN-12.2-05 SIG-3-11: changed',
      'ERR_HTTP_SIGNATURE_INVALID',
      (request, other) => withFields(without(request, TXN), [[TXN, other]]),
    ],
    ['http-signature', 'SIG-3-11: removed', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', (request) => without(request, TXN)],
    ['http-signature', 'TXN-12.1-02: doubled', 'ERR_TXN_TOKEN_COUNT', (request) => withFields(request, [[TXN, field(request, TXN)]])],
    ['http-signature', 'TXN-12.1-02: with a second one', 'ERR_TXN_TOKEN_COUNT', (request, other) => withFields(request, [[TXN, other]])],
  ])('by %s, %s on the way is refused with %s', async (proof, _title, code, change) => {
    expect(await codeOf(authenticate(change(await carried(proof), await service.issue())))).toBe(code)
  })

  it.each([
    ['wpt', 'WPT-2-18', 'ERR_WPT_TTH_MISSING'],
    ['http-signature', 'SIG-3-11', 'ERR_HTTP_SIGNATURE_COMPONENT_MISSING'],
  ] as const)('by %s, %s: one that was added on the way is refused', async (proof, _id, code) => {
    const { request } = await call(world, proof)
    expect(await codeOf(authenticate(withFields(request, [[TXN, token]])))).toBe(code)
  })

  it.each([
    ['wpt', 'one that web headers have joined', 'ERR_TXN_TOKEN_COUNT', (): string => `${token}, ${token}`],
    ['http-signature', 'one that web headers have joined', 'ERR_TXN_TOKEN_COUNT', (): string => `${token}, ${token}`],
    ['http-signature', 'an empty field', 'ERR_TXN_TOKEN_MISSING', (): string => ''],
  ] as const)('TXN-12.1-02: by %s, %s is refused with %s', async (proof, _title, code, value) => {
    const { request } = await call(world, proof, { request: charge([[TXN, value()]]) })
    expect(await codeOf(authenticate(request))).toBe(code)
  })

  it('TXN-12-02 TXN-13.13-01: is never taken from Authorization, required or not', async () => {
    for (const required of [true, false]) {
      for (const fields of [[['authorization', `Bearer ${token}`]], [['authorization', token]]] as const) {
        const { request } = await call(world, 'http-signature', { request: charge(fields) })
        expect(await codeOf(authenticate(request, { rules: { required } }))).toBe('ERR_TXN_TOKEN_IN_AUTHORIZATION')
        const beside = await call(world, 'http-signature', { request: charge([...fields, [TXN, token]]) })
        expect(await codeOf(authenticate(beside.request, { rules: { required } }))).toBe('ERR_TXN_TOKEN_IN_AUTHORIZATION')
      }
    }
  })

  it('TXN-13.12-01: authenticates nobody', async () => {
    expect(await codeOf(authenticate(charge([[TXN, token]])))).toBe('ERR_PROOF_MISSING')
    const bearer = charge([['authorization', `Bearer ${token}`]])
    expect(await codeOf(authenticate(bearer, { accept: ['jwt-svid'] }))).toMatch(/^ERR_JWT_SVID_/)
  })

  it.each(['mutual-tls', 'jwt-svid'] as const)('WPT-2-18 TXN-13.12-01: is bound by no %s', async (proof) => {
    const { request } = await call(world, proof, { request: charge([[TXN, token]]) })
    expect(await codeOf(authenticate(request, { accept: [proof] }, connection))).toBe('ERR_TXN_NOT_BOUND')
    const none = await call(world, proof)
    expect((await authenticate(none.request, { accept: [proof] }, connection)).transaction).toBeUndefined()
  })

  it.each(BINDING)('by %s, a stolen one says who presents it: the thief, whom nobody has allowed', async (proof) => {
    const stolen = await carried(proof, await as(ROGUE))
    const { peer, transaction } = await authenticate(stolen)
    expect(transaction?.caller).toBe(ROGUE)
    expect(await codeOf(createAuthorizer([ORDERS])(peer, transaction))).toBe('ERR_POLICY_DENIED')
  })

  it.each([
    ['wpt', 'ERR_WPT_WTH'],
    ['http-signature', 'ERR_HTTP_SIGNATURE_INVALID'],
  ] as const)('WPT-2-39 SIG-3-11: by %s, one that was stolen with its proof is no proof of the thief', async (proof, code) => {
    const { credential } = await world.shop.issueWit(ROGUE)
    const seen = await carried(proof)
    const stolen = withFields(without(seen, 'workload-identity-token'), [['workload-identity-token', credential.token]])
    expect(await codeOf(authenticate(stolen))).toMatch(new RegExp(`^(?:${code}|ERR_WPT_SIGNATURE|ERR_WPT_ALG)$`))
  })

  it.each(BINDING)('TXN-9.2-05: by %s, one that another trust domain presents is refused', async (proof) => {
    const request = charge([[TXN, token]])
    expect(await codeOf(authenticate((await call(world, proof, { request, ...(await as(LEDGER)) })).request))).toBe('ERR_TXN_CALLER')
  })

  it.each(BINDING)('TXN-12.2-03: by %s, one of another trust domain is refused', async (proof) => {
    const bank = await makeTokenService(world.runtime, 'bank.example')
    const request = charge([[TXN, await bank.issue()]])
    const refused = async (): Promise<RequestView> => (await call(world, proof, { request })).request
    expect(await codeOf(authenticate(await refused()))).toBe('ERR_TXN_SIGNATURE')
    const foreign = charge([[TXN, await service.issue({ trustDomain: 'bank.example' })]])
    expect(await codeOf(authenticate((await call(world, proof, { request: foreign })).request))).toBe('ERR_TXN_AUD')
  })

  it.each(BINDING)('TXN-12.2-04: by %s, one that has expired is refused, remembered or not', async (proof) => {
    const rules = { verify: service.verifier() }
    expect((await authenticate(await carried(proof), { rules })).transaction?.caller).toBe(ORDERS)
    world.runtime.advance(60)
    expect(await codeOf(authenticate(await carried(proof), { rules }))).toBe('ERR_TXN_EXPIRED')
    expect(await codeOf(authenticate(await carried(proof)))).toBe('ERR_TXN_EXPIRED')
  })

  it('TXN-12.2-06: one that was stopped is refused', async () => {
    const verify = service.verifier({ isDenied: ({ subject }) => subject === 'user:ada' })
    expect(await codeOf(authenticate(await carried('wpt'), { rules: { verify } }))).toBe('ERR_TXN_DENIED')
    expect(authenticatorOf(world).refuse(await failure(authenticate(await carried('wpt'), { rules: { verify } }))).status).toBe(403)
  })

  it('TXN-12.2-01: is looked at after the proofs, and not at all when they fail', async () => {
    let asked = 0
    const verify = (text: string): Promise<VerifiedTransactionToken> => {
      asked += 1
      return service.verifier()(text)
    }
    const request = { ...(await carried('http-signature')), method: 'PUT' }
    expect(await codeOf(authenticate(request, { rules: { verify } }))).toBe('ERR_HTTP_SIGNATURE_INVALID')
    const replayed = await carried('wpt')
    await authenticate(replayed, { rules: { verify } })
    expect(await codeOf(authenticate(replayed, { rules: { verify } }))).toBe('ERR_WPT_REPLAYED')
    expect(asked).toBe(1)
  })

  it('SIG-3.5-02: its refusal is an answer to a known caller, and signed when that is required', async () => {
    const options = { transactionTokens: { verify: service.verifier(), required: true }, credential: () => world.payments }
    const authenticator = authenticatorOf(world, options)
    const answer = async (proof: ProofChoice, change = (request: RequestView): RequestView => request) => {
      const error = await failure(authenticator.authenticate(change((await call(world, proof)).request)))
      const { fields, status } = await authenticator.finishRefusal(error, responseViewOfResponse(authenticator.refuse(error)))
      return [status, isWimseError(error) && error.code, fields.some(([name]) => name === 'signature')]
    }
    expect(await answer('http-signature-and-response')).toEqual([400, 'ERR_TXN_TOKEN_MISSING', true])
    expect(await answer('http-signature')).toEqual([400, 'ERR_TXN_TOKEN_MISSING', false])
    const changed = (request: RequestView): RequestView => ({ ...request, method: 'PUT' })
    expect(await answer('http-signature-and-response', changed)).toEqual([400, 'ERR_HTTP_SIGNATURE_INVALID', false])
  })

  it('one web request is authenticated without its transaction', async () => {
    const { trust, replay, runtime } = world
    const { path, method, body, fields } = await carried('wpt')
    const request = new Request(`${ORIGIN}${path}`, { method, body: body as BodyInit, headers: [...fields] as [string, string][] })
    const peer = await authenticateRequest(request, { trust, replay, runtime, audience: ORIGIN })
    expect(bindTransactionToken(verified, peer.proofs).caller).toBe(ORDERS)
  })

  it.each(BINDING)('TXN-12.2-05: by %s, no character of it can be changed', async (proof) => {
    const request = await carried(proof)
    const fresh = (view: RequestView) => authenticate(view, { replay: inMemoryReplayStore({ capacity: 10 }) })
    expect((await fresh(request)).transaction?.caller).toBe(ORDERS)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0x21, max: 0x7e }), async (at, code) => {
        const place = at % token.length
        const changed = `${token.slice(0, place)}${String.fromCharCode(code)}${token.slice(place + 1)}`
        fc.pre(changed !== token)
        expect(await codeOf(fresh(withFields(without(request, TXN), [[TXN, changed]])))).toMatch(/^ERR_/)
      }),
      { numRuns: 100 },
    )
  })
})

describe('authorization by a transaction', () => {
  const known = async (): Promise<{ readonly known: AuthenticatedRequest; readonly transaction: BoundTransactionToken }> => {
    const authenticated = await authenticate(await carried('wpt'))
    if (authenticated.transaction === undefined) throw new Error('no transaction')
    return { known: authenticated, transaction: authenticated.transaction }
  }

  it('TXN-12.2-06: a rule decides by what the token says, and by its absence', async () => {
    const { known: authenticated, transaction } = await known()
    const upTo = (limit: number) =>
      createAuthorizer((_peer, given) => Number(given?.token.transactionContext?.['amount'] ?? Number.POSITIVE_INFINITY) <= limit)
    await upTo(12)(authenticated.peer, transaction)
    expect(await codeOf(upTo(11)(authenticated.peer, transaction))).toBe('ERR_POLICY_DENIED')
    expect(await codeOf(upTo(12)(authenticated.peer, undefined))).toBe('ERR_POLICY_DENIED')
    await createAuthorizer(ORDERS)(authenticated.peer, transaction)
  })

  it('TXN-13.12-01: nothing but what this peer has bound is heard', async () => {
    const { known: authenticated, transaction } = await known()
    const { peer: rogue } = await authenticate((await call(world, 'wpt', await as(ROGUE))).request)
    const always = createAuthorizer(() => true)
    expect(await codeOf(always(rogue, transaction))).toBe('ERR_OPTIONS_INVALID')
    for (const forged of [{ ...transaction }, verified, {}, null]) {
      expect(await codeOf(always(authenticated.peer, forged as BoundTransactionToken))).toBe('ERR_OPTIONS_INVALID')
    }
  })
})

describe('a call of a transaction', () => {
  it.each(BINDING)('TXN-12.2-05: by %s carries on the very same token, as it came with a request or from its verifier', async (proof) => {
    const { transaction } = await authenticate(await carried('wpt'))
    for (const one of [transaction, verified]) {
      const { fields } = await carried(proof, { transaction: one })
      expect(fields.filter(([name]) => name.toLowerCase() === TXN)).toEqual([[TXN, token]])
    }
    const present = await carried(proof, { request: charge([['Txn-Token', token]]) })
    expect(present.fields.filter(([name]) => name.toLowerCase() === TXN)).toEqual([['Txn-Token', token]])
    expect((await authenticate(present)).transaction?.token.hash).toBe(verified.hash)
  })

  it.each(BINDING)('by %s is none without a transaction', async (proof) => {
    expect((await carried(proof, { transaction: undefined })).fields.some(([name]) => name === TXN)).toBe(false)
  })

  it.each<readonly [title: string, code: string, options: () => Promise<Partial<PrepareCallOptions> & { request?: RequestView }>]>([
    ['TXN-14-01: to another trust domain', 'ERR_TXN_LEAVES_DOMAIN', async () => ({ peer: parseWorkloadIdentifier(LEDGER) })],
    ['TXN-12.1-02: beside another one', 'ERR_TXN_TOKEN_COUNT', async () => ({ request: charge([[TXN, await service.issue()]]) })],
    [
      'TXN-12.1-02: beside itself, twice',
      'ERR_TXN_TOKEN_COUNT',
      async () => ({
        request: charge([
          [TXN, token],
          [TXN, token],
        ]),
      }),
    ],
    ['TXN-12.2-01: that nobody has verified', 'ERR_OPTIONS_INVALID', async () => ({ transaction: { ...verified } })],
    ['TXN-12.2-01: that is a text', 'ERR_OPTIONS_INVALID', async () => ({ transaction: token as never })],
    [
      'TXN-12.2-01: that nobody has bound',
      'ERR_OPTIONS_INVALID',
      async () => ({ transaction: { caller: ORDERS, token: verified } as never }),
    ],
    ['that is null', 'ERR_OPTIONS_INVALID', async () => ({ transaction: null as never })],
  ])('%s is refused with %s', async (_title, code, options) => {
    for (const proof of BINDING) expect(await codeOf(carried(proof, await options()))).toBe(code)
  })

  it('TXN-12-02: with the token in Authorization as well is refused', async () => {
    const request = charge([['authorization', `Bearer ${token}`]])
    expect(await codeOf(carried('http-signature', { request }))).toBe('ERR_TXN_TOKEN_IN_AUTHORIZATION')
  })

  it.each(['mutual-tls', 'jwt-svid'] as const)('WPT-2-18: by %s is refused, since that binds nothing', async (proof) => {
    expect(await codeOf(carried(proof))).toBe('ERR_TXN_NOT_BOUND')
  })
})

describe('an access token beside an HTTP signature', () => {
  const bearer = [['authorization', 'Bearer access-token']] as const
  const sign = async (): Promise<RequestView> => carried('http-signature', { request: charge(bearer) })

  it('SIG-3-10: is covered by it, as the transaction is', async () => {
    const { peer, transaction, request } = await authenticate(await sign())
    const [proof] = peer.proofs
    if (proof?.kind !== 'http-signature') throw new Error('no signature')
    expect(proof.components.map(({ text }) => text)).toEqual(expect.arrayContaining(['"authorization"', `"${TXN}"`]))
    expect([field(request, 'authorization'), transaction?.token.token]).toEqual(['Bearer access-token', token])
  })

  it.each<readonly [title: string, code: string, change: (request: RequestView) => RequestView]>([
    [
      'changed',
      'ERR_HTTP_SIGNATURE_INVALID',
      (request) => withFields(without(request, 'authorization'), [['authorization', 'Bearer other']]),
    ],
    ['removed', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', (request) => without(request, 'authorization')],
    ['doubled', 'ERR_HTTP_SIGNATURE_INVALID', (request) => withFields(request, bearer)],
  ])('SIG-3-10: %s on the way is refused with %s', async (_title, code, change) => {
    expect(await codeOf(authenticate(change(await sign())))).toBe(code)
  })

  it('SIG-3-10: added on the way is refused', async () => {
    expect(await codeOf(authenticate(withFields(await carried('http-signature'), bearer)))).toBe('ERR_HTTP_SIGNATURE_COMPONENT_MISSING')
  })
})

async function failure(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return await attempt
  } catch (error) {
    return error
  }
}
