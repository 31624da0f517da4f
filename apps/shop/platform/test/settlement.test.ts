import type { JsonObject } from '@wimse/core'
import { findNatsServer, type NatsServer, startNatsServer } from '@wimse/message-nats/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, post, type ShopWorld, startShop } from './shop-world.ts'

const id = (name: string): string => `spiffe://shop.example/${name}`
const found = await findNatsServer()
const missing = 'missing' in found ? found.missing : undefined

describe.skipIf(missing !== undefined)(`work that is done later${missing === undefined ? '' : ` (${missing})`}`, () => {
  let nats: NatsServer
  let shop: ShopWorld
  let before = 0

  beforeAll(async () => {
    nats = await startNatsServer()
    shop = await startShop({ broker: nats.url })
  }, 120_000)

  afterAll(async () => {
    await shop?.close()
    await nats?.close()
  }, 30_000)

  beforeEach(() => {
    before = shop.lines.length
  })

  const visit = async (path: string, scope: string, body: JsonObject): Promise<Answer> => {
    const token = await shop.signIn({ aud: shop.origin('storefront'), scope })
    return shop.visit(`${shop.origin('storefront')}${path}`, post(body, token))
  }
  const order = (settle = 'later', amount = 45): Promise<Answer> => visit('/orders', 'shop:order', { item: 'teapot', amount, settle })
  const heard = (event: 'job' | 'hop' | 'token.issued', members: JsonObject): Promise<JsonObject> =>
    shop.heard({ event, ...members }, before)
  const stepsOf = (job: string): readonly unknown[] =>
    shop.lines.filter((line) => line['event'] === 'job' && line['job'] === job).map(({ step }) => step)

  it('is settled for the user, by the worker, on behalf of whoever put it off, and the bank has all three names', async () => {
    const { status, body } = await order('evening')
    expect([status, body]).toEqual([202, { order: expect.any(String), transaction: expect.any(String), job: expect.any(String) }])
    const done = await heard('job', { step: 'done', job: body['job'] ?? null })
    expect(done).toMatchObject({
      sender: id('orders-evening'),
      subject: 'user:ada',
      scope: ['payments:settle'],
      actors: [id('settlement'), id('orders-evening')],
      requester: id('orders-evening'),
      linkedTransaction: body['transaction'],
    })
    expect(done['transaction']).not.toBe(body['transaction'])
    await heard('hop', { service: 'payments', caller: id('settlement'), transaction: done['transaction'] ?? null, decision: 'allowed' })
    const entry = { entry: done['receipt'] ?? null, requester: id('orders-evening'), worker: id('settlement'), user: 'user:ada' }
    await heard('hop', { service: 'ledger', subject: 'customer', ...entry })
    expect(stepsOf(String(body['job']))).toEqual(['taken', 'redeemed', 'done'])
  })
})
