import { type JsonObject, requestViewOfParts, utf8 } from '@wimse/core'
import { createAttestationAuthentication, GRANT_TYPES, jwtSvidAuthentication } from '@wimse/token-exchange'
import type { Workload } from '@wimse/workload/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import { badInput, type Fields, FLOWS, type Flow, FORM_FIELDS, type Form, LARGE, type Row, raw, SECRET, set } from './bad-input-rows.ts'
import {
  ACCESS_TYPE,
  type Answer,
  BANK_ISSUER,
  CHARGES,
  closeAll,
  createWorld,
  exchange,
  fieldOf,
  ISSUER,
  JWT_TYPE,
  LEDGER,
  PAYMENTS,
  STOREFRONT,
  send,
  TXN_TYPE,
  type World,
} from './harness.ts'

let world: World
let services: Readonly<Record<Flow, TokenService>>
let callers: Readonly<Record<Flow, Workload>>
let forms: Readonly<Record<Flow, Form>>

beforeAll(async () => {
  world = await createWorld()
  const shop = await world.start()
  const jwksUri = `https://localhost:${shop.port}/jwks`
  const transcription = { subjects: [{ from: 'shop-customer' }], actors: [{ from: 'shop' }], scope: { 'ledger:post': 'post' } }
  const bank = await world.start(
    {
      accessTokens: { targets: [{ audience: LEDGER, allow: [PAYMENTS] }] },
      chaining: { inbound: [{ issuer: ISSUER, jwksUri, peer: 'spiffe://shop.example/token-service', transcription }] },
    },
    'bank',
  )
  const [storefront, payments] = await Promise.all([world.workload(STOREFRONT, [shop]), world.workload(PAYMENTS, [shop, bank])])
  services = { transaction: shop, exchange: shop, redemption: bank }
  callers = { transaction: storefront, exchange: storefront, redemption: payments }
  forms = { transaction: await started(), exchange: await exchanged(), redemption: await redeemed() }
})

afterAll(closeAll)

const formOf = (members: Readonly<Record<string, string>>): Form => Object.entries(members).map(([name, value]) => [name, raw(value)])

async function started(): Promise<Form> {
  return formOf({
    grant_type: GRANT_TYPES.tokenExchange,
    subject_token: await world.accessToken(),
    subject_token_type: ACCESS_TYPE,
    audience: 'shop.example',
    scope: 'orders:place',
    requested_token_type: TXN_TYPE,
    request_context: '{"ip":"192.0.2.1"}',
    request_details: '{"amount":12}',
  })
}

async function exchanged(): Promise<Form> {
  return formOf({
    grant_type: GRANT_TYPES.tokenExchange,
    subject_token: await world.accessToken(),
    subject_token_type: ACCESS_TYPE,
    audience: CHARGES,
    scope: 'orders',
    requested_token_type: ACCESS_TYPE,
  })
}

/** A grant that is good once: none of the faults uses it up. */
async function redeemed(): Promise<Form> {
  const token = await world.accessToken({ aud: CHARGES, scope: 'orders:place' })
  const { body } = await exchange(callers.redemption, services.transaction, {
    subjectToken: { token, type: ACCESS_TYPE },
    audience: 'bank',
    requestedTokenType: JWT_TYPE,
  })
  return formOf({ grant_type: GRANT_TYPES.jwtBearer, assertion: String(body['access_token']), scope: 'ledger:post', resource: LEDGER })
}

interface Asked {
  readonly answer: Answer
  readonly sent: Form
  readonly events: readonly JsonObject[]
  readonly lines: string
}

async function ask({
  flow,
  form = (same) => same,
  body = (same) => same,
  method = 'POST',
  query,
  fields = FORM_FIELDS,
  proof = 'wpt',
}: Row): Promise<Asked> {
  const sent = form(forms[flow])
  const text = sent.map(([name, encoded]) => `${name}=${encoded}`).join('&')
  const content = body(text)
  const view = requestViewOfParts({
    method,
    scheme: 'https',
    authority: `localhost:${services[flow].port}`,
    target: query === undefined ? '/token' : `/token?${query(text)}`,
    fields: typeof fields === 'function' ? await fields() : fields,
    body: content.length === 0 || method === 'GET' ? null : typeof content === 'string' ? utf8(content) : content,
  })
  const before = world.events.length
  const issuer = flow === 'redemption' ? BANK_ISSUER : ISSUER
  const answer = await send(callers[flow], view, proof, `${issuer}/token`)
  return { answer, sent, events: world.events.slice(before), lines: world.log.slice(before).join('') }
}

/** One answer, one event, and nothing in either that came with the request. */
async function refused(row: Row): Promise<void> {
  const { answer, sent, events, lines } = await ask(row)
  expect([answer.status, answer.body['error']]).toEqual([row.status ?? 400, row.error])
  expect(Object.keys(answer.body)).toEqual(['error', 'error_description'])
  expect(fieldOf(answer, 'content-type')).toBe('application/json')
  expect(fieldOf(answer, 'cache-control')).toBe('no-store')
  expect(fieldOf(answer, 'pragma')).toBe('no-cache')
  expect(events.map(({ event, error }) => [event, error])).toEqual([['token.refused', row.error]])
  const said = `${JSON.stringify(answer.body)}${lines}`
  expect(said).not.toContain(SECRET)
  const given = sent.flatMap(([, encoded]) => (encoded.includes('%ff') || encoded.includes('%zz') ? [] : [decodeURIComponent(encoded)]))
  // Tokens whole and in part. That a client is told by its identifier is what events are for.
  const parts = given
    .flatMap((value) => (value.startsWith('spiffe:') ? value : value.split('.')))
    .filter((part) => part.length > 11 && part !== callers[row.flow].identifier)
  for (const part of parts) expect(said).not.toContain(part)
}

describe('the token endpoint', () => {
  it.each(badInput)('answers $flow with $title as $error (TEX-2.2.2-01, TXN-11.4-05)', refused)

  const two: readonly Row[] = FLOWS.flatMap((flow): Row[] => [
    { title: 'a WPT and a JWT-SVID', flow, error: 'invalid_request', form: (form) => [...form, ...assertions[flow]] },
    { title: 'a WPT and an attestation', flow, error: 'invalid_request', fields: () => attested(flow) },
    {
      title: 'a JWT-SVID and an attestation',
      flow,
      error: 'invalid_request',
      form: (form) => [...form, ...assertions[flow]],
      fields: () => attested(flow),
      proof: 'mutual-tls',
    },
  ])
  const one: readonly Row[] = FLOWS.flatMap((flow): Row[] => [
    {
      title: 'an assertion that is none',
      flow,
      error: 'invalid_client',
      form: (form) => [...form, ...assertionOf(flow, SECRET)],
      proof: 'mutual-tls',
    },
    {
      title: 'an assertion that is too large',
      flow,
      error: 'invalid_request',
      form: (form) => [...form, ...assertionOf(flow, LARGE)],
      proof: 'mutual-tls',
    },
    { title: 'an assertion without its type', flow, error: 'invalid_client', form: set('client_assertion', SECRET), proof: 'mutual-tls' },
    {
      title: 'a type without an assertion',
      flow,
      error: 'invalid_client',
      form: set('client_assertion_type', SECRET),
      proof: 'mutual-tls',
    },
    {
      title: 'a password in a field',
      flow,
      error: 'invalid_client',
      fields: [...FORM_FIELDS, ['authorization', `Basic ${SECRET}`]],
      proof: 'mutual-tls',
    },
    {
      title: 'half an attestation',
      flow,
      error: 'invalid_client',
      fields: [...FORM_FIELDS, ['oauth-client-attestation', SECRET]],
      proof: 'mutual-tls',
    },
  ])
  const assertions: Record<Flow, Form> = { transaction: [], exchange: [], redemption: [] }

  beforeAll(async () => {
    for (const flow of FLOWS) {
      const issuer = flow === 'redemption' ? BANK_ISSUER : ISSUER
      const { token } = (await callers[flow].source.jwt?.fetch(issuer)) ?? { token: '' }
      assertions[flow] = assertionOf(flow, token)
    }
  })

  it.each(two)('refuses $title for one $flow (RFC 6749 section 5.2: one mechanism)', refused)
  it.each(one)('answers $flow with $title as $error (TXN-11.3-01)', refused)

  it('issues nothing on the way, and answers the requests without fault after all that', async () => {
    expect(world.events.filter(({ event, kind }) => event === 'token.issued' && kind !== 'authorization-grant')).toEqual([])
    for (const flow of FLOWS) {
      const { answer, events } = await ask({ title: 'nothing wrong', flow, error: '' })
      expect([answer.status, events.length, events[0]?.['event']]).toEqual([200, 1, 'token.issued'])
      expect([fieldOf(answer, 'cache-control'), fieldOf(answer, 'pragma')]).toEqual(['no-store', 'no-cache'])
    }
  })
})

function assertionOf(flow: Flow, assertion: string): Form {
  const { parameters } = jwtSvidAuthentication({ identifier: callers[flow].identifier, token: assertion })
  return parameters.map(([name, value]) => [name, raw(value)])
}

async function attested(flow: Flow): Promise<Fields> {
  const credential = callers[flow].source.wit?.current()
  if (credential === undefined) throw new Error('no WIT')
  const issuer = flow === 'redemption' ? BANK_ISSUER : ISSUER
  const { fields } = await createAttestationAuthentication({ credential, issuer, runtime: world.runtime })
  return [...FORM_FIELDS, ...fields]
}
