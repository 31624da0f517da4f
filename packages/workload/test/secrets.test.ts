import { inspect } from 'node:util'
import { isWimseError, parseWorkloadIdentifier, type RequestView, requestViewOfParts, responseViewOfResponse, utf8 } from '@wimse/core'
import { createWitVerifier } from '@wimse/wit'
import { expect, it } from 'vitest'
import type { ProofKind } from '../src/index.ts'
import { createNodeListener, type ProofChoice, processResponse } from '../src/node.ts'
import { makeDomains, serve, workloadOn } from './services.ts'
import { makeTokenService } from './transactions.ts'
import { authenticatorOf, call, charge, field, makeWorld, ORDERS, ORIGIN, PAYMENTS, type World, withFields, without } from './world.ts'

const PRIVATE_VALUE = 'ada-lovelace-4711'
const PROOFS = ['wpt', 'http-signature', 'http-signature-and-response', 'jwt-svid'] as const
const contextFields = ['x-user']

/** Everything of a message that nobody may see again: tokens, each of their parts, what their claims are, signatures, context. */
function secretsOf(request: RequestView): string[] {
  const values = ['workload-identity-token', 'authorization', 'signature', 'txn-token', 'x-user'].map((name) => field(request, name))
  const parts = values.flatMap((value) => value.split(/[\s.:=,"]+/)).filter((part) => part.length >= 12)
  return [...new Set([...parts, PRIVATE_VALUE])]
}

/** Spoils one part of a message after another. */
function* spoilt(request: RequestView): Generator<RequestView> {
  const { fields } = request
  for (const [name, value] of fields) {
    yield without(request, name)
    yield withFields(request, [[name, value]])
    for (const other of [`${value}x`, value.slice(0, -1), value.slice(1), value.replace('.', ''), `"${value}`, `${value}, ${value}`]) {
      yield { ...request, fields: fields.map((line) => (line[0] === name ? [name, other] : line)) }
    }
  }
  yield { ...request, method: 'PUT' }
  yield { ...request, path: '/other' }
  yield { ...request, body: utf8(PRIVATE_VALUE) }
}

const ALL: readonly ProofKind[] = ['wpt', 'http-signature', 'mutual-tls', 'jwt-svid']

it('no token, key or value of a message is in an error, its causes, or an answer', async () => {
  const world: World = await makeWorld()
  const service = await makeTokenService(world.runtime)
  const token = await service.issue({ subject: PRIVATE_VALUE })
  const transactionTokens = { verify: service.verifier(), required: true }
  let looked = 0
  for (const proof of PROOFS) {
    const prepare = () =>
      call(world, proof, {
        contextFields,
        request: charge([
          ['txn-token', token],
          ['x-user', PRIVATE_VALUE],
        ]),
      })
    const { request } = await prepare()
    const signer = JSON.stringify(world.orders.signer.publicJwk)
    for (const accept of [ALL, ['wpt'], ['http-signature'], ['jwt-svid']] as const) {
      const authenticator = authenticatorOf(world, { accept, contextFields, transactionTokens, credential: () => world.payments })
      for (const wrong of spoilt(request)) {
        const error: unknown = await authenticator.authenticate(wrong).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        if (error === undefined) continue
        if (!isWimseError(error)) throw error
        const answer = authenticator.refuse(error)
        const told = `${inspect(error, { depth: 20, showHidden: true })} ${error.stack} ${inspect([...answer.headers])} ${await answer.text()}`
        expect([...secretsOf(wrong), ...secretsOf(request), signer].filter((secret) => told.includes(secret))).toEqual([])
        looked += 1
      }
    }
  }
  expect(looked).toBeGreaterThan(500)
})

it('TXN-15.2-02: no transaction token is in the refusal of one that its caller has bound', async () => {
  const world: World = await makeWorld()
  const service = await makeTokenService(world.runtime)
  const token = await service.issue({ subject: PRIVATE_VALUE })
  const foreign = await service.issue({ subject: PRIVATE_VALUE, trustDomain: 'bank.example' })
  const authenticator = authenticatorOf(world, { transactionTokens: { verify: service.verifier() } })
  for (const proof of ['wpt', 'http-signature'] as const) {
    for (const wrong of [`${token}x`, token.slice(1), token.replace('.', ''), `${token}, ${token}`, foreign]) {
      const { request } = await call(world, proof, { request: charge([['txn-token', wrong]]) })
      const error: unknown = await authenticator.authenticate(request).catch((reason: unknown) => reason)
      if (!isWimseError(error)) throw error
      const answer = authenticator.refuse(error)
      const told = `${inspect(error, { depth: 20, showHidden: true })} ${error.stack} ${inspect([...answer.headers])} ${await answer.text()}`
      expect([error.code, secretsOf(request).filter((secret) => told.includes(secret))]).toEqual([expect.stringMatching(/^ERR_TXN_/), []])
    }
  }
})

it('no token is in what a caller is told about a response that it refuses', async () => {
  const { trust, runtime, ...world } = await makeWorld()
  const all = { ...world, trust, runtime }
  const prepared = await call(all, 'http-signature-and-response')
  const { finish } = await authenticatorOf(all, { credential: () => world.payments }).authenticate(prepared.request)
  const response = await finish(responseViewOfResponse(new Response(PRIVATE_VALUE)))
  const verifyWit = createWitVerifier({ trust, profile: 'wit-svid', runtime })
  let looked = 0
  for (const [name, value] of response.fields) {
    for (const other of [`${value}x`, value.slice(1), `${value}, ${value}`]) {
      const fields = response.fields.map((line) => (line[0] === name ? ([name, other] as const) : line))
      const error: unknown = await processResponse({ ...response, fields }, prepared, { verifyWit, runtime }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error === undefined) continue
      const told = inspect(error, { depth: 20, showHidden: true })
      const secrets = [...world.payments.token.split('.').slice(1), PRIVATE_VALUE]
      expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
      looked += 1
    }
  }
  expect(looked).toBeGreaterThan(10)
})

it('a service prints nothing, and tells its operator codes', async () => {
  const domains = await makeDomains()
  const payments = await workloadOn(domains, domains.paymentsApi)
  const errors: unknown[] = []
  const { origin } = await serve(domains, payments, (audience) =>
    createNodeListener(
      { authenticator: payments.authenticator({ audience, accept: ALL }), allow: [], onError: (e) => errors.push(e) },
      () => Response.json({}),
    ),
  )
  const orders = await workloadOn(domains, domains.ordersApi, { peers: { [origin]: PAYMENTS } })
  const secrets: string[] = []
  const answers: string[] = []
  const authority = new URL(origin).host
  for (const proof of PROOFS as readonly ProofChoice[]) {
    const view = requestViewOfParts({ method: 'GET', scheme: 'https', authority, target: '/', fields: [] })
    const { request } = await orders.prepare(view, { proof })
    secrets.push(...secretsOf(request))
    for (let round = 0; round < 2; round += 1) {
      const { response } = await orders.send(request)
      answers.push(inspect(response.fields), await new Response(response.body as BodyInit).text())
    }
  }
  expect(errors).toHaveLength(PROOFS.length * 2)
  const told = `${inspect(errors, { depth: 20, showHidden: true })} ${answers.join(' ')}`
  // The service's own WIT, which a signed answer carries, begins as every WIT of its issuer does.
  const own = payments.source.wit?.current().token ?? ''
  expect(secrets.filter((secret) => told.includes(secret) && !own.includes(secret))).toEqual([])
  expect(parseWorkloadIdentifier(ORDERS)).toBe(orders.identifier)
  expect(ORIGIN).not.toBe(origin)
})
