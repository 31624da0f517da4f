import { type JsonObject, parseStrictJsonObject, WimseError } from '@wimse/core'
import { createTestRuntime } from '@wimse/testing'
import { TokenEndpointRefusal } from '@wimse/token-exchange'
import { describe, expect, it } from 'vitest'
import { amountIn, bodyOf, createApp, note, Refusal, textIn } from '../src/index.ts'

const runtime = createTestRuntime()

/** What a handler makes of a request: status, body and the lines of the log. */
async function handled(handle: (body: JsonObject) => unknown, body = '{}', path = '/charges') {
  const lines: JsonObject[] = []
  const app = createApp('payments', (line) => lines.push(parseStrictJsonObject(new TextEncoder().encode(line))), runtime)
  app.post('/charges', async (c) => c.json({ made: handle(await bodyOf(c)) ?? null }))
  const response = await app.request(path, { method: 'POST', body })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text, lines }
}

function failing(error: unknown): Promise<Awaited<ReturnType<typeof handled>>> {
  return handled(() => {
    throw error
  })
}

describe('a hop', () => {
  it('leaves one line with what is known of it', async () => {
    const { lines } = await handled(() => note({ caller: 'spiffe://shop.example/orders', subject: 'user:ada' }))
    const facts = { caller: 'spiffe://shop.example/orders', subject: 'user:ada', decision: 'allowed' }
    const time = new Date(runtime.now()).toISOString()
    expect(lines).toEqual([{ time, event: 'hop', service: 'payments', request: 'POST /charges', ...facts }])
  })

  it('leaves none for a path that is not ours, which could hold anything', async () => {
    const { status, lines } = await handled(() => undefined, '{}', '/eyJhbGciOiJFUzI1NiJ9')
    expect([status, lines]).toEqual([404, []])
  })

  it.each([
    ['its own policy', new Refusal('too much'), 403, 'ERR_POLICY_DENIED', 'payments', 'too much'],
    [
      'a service behind it',
      new Refusal('ledger: x', 'ERR_TXN_EXPIRED', { hop: 'ledger', status: 403 }),
      403,
      'ERR_TXN_EXPIRED',
      'ledger',
      'ledger: x',
    ],
    [
      'a failure behind it',
      new Refusal('ledger: 500', 'ERR_MTLS_CONNECTION', { hop: 'ledger', status: 502 }),
      502,
      'ERR_MTLS_CONNECTION',
      'ledger',
      'ledger: 500',
    ],
    [
      'the token service',
      new TokenEndpointRefusal(400, 'invalid_scope', undefined),
      403,
      'ERR_EXCHANGE_REFUSED',
      'tokens',
      'tokens: invalid_scope',
    ],
    [
      'a token service that fails',
      new TokenEndpointRefusal(503, undefined, undefined),
      502,
      'ERR_EXCHANGE_REFUSED',
      'tokens',
      'tokens: 503',
    ],
    ['what it can not reach', new WimseError('ERR_MTLS_CONNECTION'), 502, 'ERR_MTLS_CONNECTION', 'payments', 'ERR_MTLS_CONNECTION'],
  ])('refused by %s says so, and why in the log alone', async (_title, error, status, code, hop, reason) => {
    const answer = await failing(error)
    expect([answer.status, answer.body]).toEqual([status, expect.objectContaining({ status, code, hop })])
    expect(JSON.stringify(answer.body)).not.toContain(error instanceof Refusal ? error.message : 'invalid_scope')
    expect(answer.lines).toEqual([expect.objectContaining({ decision: 'refused', reason })])
  })

  it('tells nothing about a fault of its own', async () => {
    const { status, body, lines } = await failing(new Error('secret'))
    expect([status, body]).toEqual([500, ''])
    expect(lines).toEqual([expect.objectContaining({ decision: 'refused', reason: 'failure' })])
  })
})

describe('the body of a request', () => {
  it.each([
    ['no JSON', '{', () => undefined],
    ['a list', '[]', () => undefined],
    ['a member twice', '{"amount":1,"amount":2}', () => undefined],
    ['more than a request has', `{"a":"${'x'.repeat(20_000)}"}`, () => undefined],
    ['half an amount', '{"amount":0.5}', amountIn],
    ['an amount beyond all', '{"amount":1000001}', amountIn],
    ['an amount in letters', '{"amount":"1"}', amountIn],
    ['a text with markup', '{"item":"<b>"}', (body: JsonObject) => textIn(body, 'item')],
    ['a text that is long', `{"item":"${'x'.repeat(65)}"}`, (body: JsonObject) => textIn(body, 'item')],
  ])('is refused with %s', async (_title, body, read) => {
    const answer = await handled((value) => read(value), body)
    expect([answer.status, answer.body.code]).toEqual([400, 'ERR_MESSAGE_MALFORMED'])
  })

  it('is taken as it is', async () => {
    const { body } = await handled((value) => [textIn(value, 'item'), amountIn(value)].join(), '{"item":"tea pot","amount":1000000}')
    expect(body).toEqual({ made: 'tea pot,1000000' })
  })
})
