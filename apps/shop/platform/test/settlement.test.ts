import type { JsonObject } from '@wimse/core'
import {
  findNatsServer,
  type LyingMessage,
  type NatsInsider,
  type NatsServer,
  openNatsInsider,
  startNatsServer,
} from '@wimse/message-nats/testing'
import type { Workload } from '@wimse/workload/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accessToken, transactionOf } from '../src/index.ts'
import { type JobQueue, openJobQueue } from '../src/job-queue.ts'
import { type Answer, answerOf, intruder, post, type ShopWorld, startShop } from './shop-world.ts'

const id = (name: string): string => `spiffe://shop.example/${name}`
const WORKERS = ['settlement', 'settlement-2'] as const
const found = await findNatsServer()
const missing = 'missing' in found ? found.missing : undefined

describe.skipIf(missing !== undefined)(`work that is done later${missing === undefined ? '' : ` (${missing})`}`, () => {
  let nats: NatsServer
  let shop: ShopWorld
  let insider: NatsInsider
  let scheduler: Workload
  let before = 0
  const queues: JobQueue[] = []

  beforeAll(async () => {
    nats = await startNatsServer()
    shop = await startShop({ broker: nats.url })
    insider = await openNatsInsider(nats.url)
    scheduler = await shop.as(id('scheduler'))
  }, 120_000)

  afterAll(async () => {
    for (const queue of queues) await queue.close()
    await insider?.close()
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
  /** What a workload puts into the queue, as somebody does who has broken into it. */
  const send = async (name: string, job: Parameters<JobQueue['send']>[0], grant: string): Promise<void> => {
    const { source } = await shop.as(id(name))
    const queue = await openJobQueue({
      broker: { url: nats.url, private: false },
      trustDomain: 'shop.example',
      credential: () => source.wit?.current() ?? absent(),
    })
    queues.push(queue)
    await queue.send(job, grant)
  }
  /** What happens while no worker looks, and then they do. */
  const unattended = async <T>(act: () => Promise<T>): Promise<T> => {
    for (const worker of WORKERS) shop.pause(worker)
    try {
      return await act()
    } finally {
      for (const worker of WORKERS) shop.resume(worker)
    }
  }
  /** A job of an order as it lies in the queue. */
  const lying = async (): Promise<LyingMessage> => {
    const [message] = await insider.look('SETTLEMENT')
    return message ?? absent()
  }
  const reasonsOf = async (): Promise<readonly (string | undefined)[]> =>
    (await insider.look('SETTLEMENT_DEAD')).map(({ fields }) => fields.find(([name]) => name === 'wimse-ts-reason')?.[1])
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

  it('is refused by payments beyond what fraud cleared, all jobs of an order together, and what is paid now', async () => {
    const [storefront, fraud, orders] = [await intruder(shop, 'storefront'), await intruder(shop, 'fraud'), await intruder(shop, 'orders')]
    const subject = accessToken(await shop.signIn({ aud: shop.origin('storefront'), scope: 'shop:order' }))
    const began = await storefront.tokens.startTransaction(subject, {
      scope: ['orders:place'],
      requestDetails: { item: 'teapot', amount: 45, currency: 'EUR' },
    })
    const verdict = { requestDetails: { fraud: { verdict: 'clear', amount: 45 } } }
    const cleared = await fraud.tokens.replaceTransaction(began, verdict)
    const deferral = {
      worker: id('settlement'),
      action: 'settle',
      limits: { amount: { atMost: 45 } },
      uses: 3,
      end: Math.floor(Date.now() / 1000) + 60,
    }
    const grant = await orders.tokens.defer(transactionOf(cleared), { scope: ['payments:settle'], deferral })
    const job = (name: string, amount: number) => ({ job: name, action: 'settle', parameters: { order: name, amount }, use: name }) as const
    await send('orders', job('part-1', 30), grant)
    await heard('job', { step: 'done', job: 'part-1' })
    await send('orders', job('part-2', 16), grant)
    await heard('job', { step: 'buried', job: 'part-2', code: 'ERR_POLICY_DENIED' })
    const refused = { service: 'payments', decision: 'refused', reason: 'fraud cleared less' }
    await heard('hop', { ...refused, request: 'POST /settlements' })
    await send('orders', job('part-3', 15), grant)
    await heard('job', { step: 'done', job: 'part-3' })
    const charge = post({ amount: 45 }, undefined, { transaction: cleared })
    expect((await orders.workload.fetch(`${shop.origin('payments')}/charges`, charge)).status).toBe(403)
    await heard('hop', { ...refused, request: 'POST /charges' })
  })

  it('is refused by payments when fraud did not clear it, whenever it is done', async () => {
    expect(await order('later', 12_000)).toMatchObject({ status: 202 })
    await heard('job', { step: 'buried', code: 'ERR_POLICY_DENIED' })
    await heard('hop', { service: 'payments', decision: 'refused', reason: 'fraud did not clear this order' })
  })

  describe('that nobody can do', () => {
    const tampered = (change: (message: LyingMessage) => Partial<LyingMessage>) => async (): Promise<unknown> =>
      unattended(async () => {
        await order()
        const message = await lying()
        await insider.take('SETTLEMENT', message.sequence)
        await insider.put({ ...message, ...change(message) })
      })
    const without = (wanted: string) => tampered(({ fields }) => ({ fields: fields.filter(([name]) => name !== wanted) }))
    const job = { job: 'forged-1', action: 'settle', parameters: { order: 'forged-1', amount: 45 } } as const

    it.each([
      ['is no message of a workload', 'ERR_MESSAGE_PROOF_COUNT', () => insider.put({ ...EMPTY, subject: 'settlement.jobs.settle' })],
      ['has lost its proof', 'ERR_MESSAGE_PROOF_COUNT', without('wimse-ts-message-proof')],
      ['has lost its grant', 'ERR_MESSAGE_PROOF_FIELD', without('deferred-grant')],
      [
        'was changed',
        'ERR_MESSAGE_PROOF_PAYLOAD',
        tampered(({ payload }) => ({ payload: new TextEncoder().encode(`${new TextDecoder().decode(payload)} `) })),
      ],
      ['was moved', 'ERR_MESSAGE_PROOF_DESTINATION', tampered(() => ({ subject: 'settlement.jobs.restock' }))],
      ['is of a workload that may have nothing done', 'ERR_POLICY_DENIED', () => send('rogue', job, 'no grant')],
      ['has no grant that is one', 'ERR_EXCHANGE_GRANT_MALFORMED', () => send('orders', job, 'no grant')],
      ['has a member too many', 'ERR_MESSAGE_MALFORMED', () => send('orders', { ...job, more: 1 } as typeof job, 'no grant')],
    ] as const)('is buried when it %s, and what comes after it is done', async (_title, code, make) => {
      await make()
      const buried = await heard('job', { step: 'buried', code })
      expect(buried).toMatchObject({ delivery: 1 })
      expect(await reasonsOf()).toContain(code)
      const { body } = await order()
      expect(await heard('job', { step: 'done', job: body['job'] ?? null })).toMatchObject({ delivery: 1 })
    })
  })

  it('is buried when another sender has stolen the grant, which stays with the job that it is for', async () => {
    const { body } = await unattended(async () => {
      const ordered = await order()
      const message = await lying()
      await insider.take('SETTLEMENT', message.sequence)
      const grant = message.fields.find(([name]) => name === 'deferred-grant')?.[1] ?? absent()
      await send('storefront', JSON.parse(new TextDecoder().decode(message.payload)), grant)
      await insider.put(message)
      return ordered
    })
    const job = body['job'] ?? null
    await heard('job', { step: 'buried', code: 'ERR_POLICY_DENIED', sender: id('storefront'), job })
    expect(await heard('job', { step: 'done', job })).toMatchObject({ sender: id('orders'), delivery: 1 })
    const uses = shop.lines.filter((line) => line['kind'] === 'deferred-redemption' && line['linkedTransaction'] === body['transaction'])
    expect(uses.map(({ use }) => use)).toEqual(['new'])
  })

  it('is done once when it is in the queue a second time, and the second one is told so', async () => {
    const { body, positions } = await unattended(async () => {
      const ordered = await order()
      const message = await lying()
      await insider.put(message)
      return { body: ordered.body, positions: [message.sequence, message.sequence + 1].map((sequence) => `SETTLEMENT:${sequence}`) }
    })
    const done = await heard('job', { step: 'done', job: body['job'] ?? null })
    // The instance that has the first one knows it by its proof; the other one is told by the token service, once the use is finished.
    // Which of the two is the first one is for the workers to say: they take both at once.
    const second = positions.find((position) => position !== done['position']) ?? null
    const buried = await shop.heard({ event: 'job', step: 'buried', position: second }, before)
    expect(['ERR_MESSAGE_PROOF_REPLAYED', 'ERR_EXCHANGE_GRANT_REPLAYED']).toContain(buried['code'])
    const entries = shop.lines.filter(
      ({ service, entry, requester }) => service === 'ledger' && entry !== undefined && requester === id('orders'),
    )
    expect(entries.filter(({ entry }) => entry === done['receipt'])).toHaveLength(1)
  })

  it('waits while the token service is away, and is done when it is back', async () => {
    const { body } = await unattended(() => order())
    shop.pause('tokens')
    try {
      await heard('job', { step: 'retry', code: 'timeout', job: body['job'] ?? null })
    } finally {
      shop.resume('tokens')
    }
    expect(await heard('job', { step: 'done', job: body['job'] ?? null })).not.toMatchObject({ delivery: 1 })
  }, 60_000)

  it('is taken over from a worker that was killed with the token in its hand: one use, one transaction, one entry', async () => {
    shop.pause('payments')
    const { body } = await order()
    const job = body['job'] ?? null
    const redeemed = await heard('job', { step: 'redeemed', job })
    const killed = WORKERS.find((name) => name === redeemed['service']) ?? absent()
    await shop.kill(killed)
    shop.resume('payments')
    const done = await heard('job', { step: 'done', job })
    await shop.start(killed)
    expect(done).toMatchObject({ transaction: redeemed['transaction'], actors: redeemed['actors'] })
    expect(done['service']).not.toBe(killed)
    const uses = shop.lines.filter((line) => line['kind'] === 'deferred-redemption' && line['linkedTransaction'] === body['transaction'])
    expect(uses.map(({ use }) => use)).toEqual(['new', 'taken over'])
    const entered = shop.lines.slice(before).filter(({ service, entry }) => service === 'ledger' && entry !== undefined)
    expect(new Set(entered.map(({ entry }) => entry))).toEqual(new Set([done['receipt']]))
  }, 90_000)

  it('outlives the broker that it waits in', async () => {
    const { body } = await unattended(() => order())
    await nats.kill()
    expect(await order()).toMatchObject({ status: 502, body: { code: 'ERR_MESSAGE_BROKER_UNAVAILABLE' } })
    await nats.start()
    await heard('job', { step: 'done', job: body['job'] ?? null })
  }, 60_000)

  it('of a batch is done under one grant, each job once', async () => {
    const { status, body } = await visit('/batches', 'shop:order', { item: 'bean', amount: 2, count: 20 })
    expect([status, body['jobs']]).toEqual([202, 20])
    const names = Array.from({ length: 20 }, (_, index) => `${String(body['order'])}-${index + 1}`)
    const done = await Promise.all(names.map((job) => heard('job', { step: 'done', job })))
    expect(new Set(done.map(({ transaction }) => transaction)).size).toBe(20)
    const redemptions = shop.lines.filter(({ linkedTransaction, kind }) => kind !== undefined && linkedTransaction === body['transaction'])
    expect(new Set(redemptions.map(({ grantHash }) => grantHash)).size).toBe(1)
  }, 60_000)

  it('of a batch of one is done as well: its one use has no name', async () => {
    const { body } = await visit('/batches', 'shop:order', { item: 'bean', amount: 2, count: 1 })
    await heard('job', { step: 'done', job: `${String(body['order'])}-1` })
  })

  describe('every night', () => {
    const consent = { item: 'coffee', limit: 50, runs: 2, days: 30 }
    const restock = async (amount: number, item = 'coffee'): Promise<Answer> =>
      answerOf(await scheduler.fetch(`${shop.origin('storefront')}/restocks`, post({ item, amount })))
    const manage = async (method: 'GET' | 'DELETE', path: string, sub = 'ada'): Promise<Answer> => {
      const token = await shop.signIn({ aud: shop.origin('storefront'), scope: 'shop:restock', sub })
      return shop.visit(`${shop.origin('storefront')}/consents${path}`, { method, headers: { authorization: `Bearer ${token}` } })
    }

    it('is done for users who have consented, until they withdraw', async () => {
      const given = await visit('/consents', 'shop:restock', consent)
      expect([given.status, given.body]).toEqual([201, { consent: expect.any(String), ...consent }])
      const name = String(given.body['consent'])
      expect((await manage('GET', '')).body).toEqual({ consents: [given.body] })
      expect((await manage('GET', '', 'bob')).body).toEqual({ consents: [] })
      expect((await manage('DELETE', `/${name}`, 'bob')).status).toBe(403)

      expect((await restock(40)).body).toEqual({ jobs: [`restock-${name}-1`] })
      const done = await heard('job', { step: 'done', job: `restock-${name}-1` })
      expect(done).toMatchObject({ subject: 'user:ada', requester: id('storefront'), actors: [id('settlement'), id('storefront')] })

      await unattended(async () => {
        expect((await restock(40)).body).toEqual({ jobs: [`restock-${name}-2`] })
        expect((await manage('DELETE', `/${name}`)).status).toBe(204)
      })
      await heard('job', { step: 'buried', job: `restock-${name}-2`, code: 'ERR_EXCHANGE_GRANT_REVOKED' })
      expect([(await restock(40)).body, (await manage('GET', '')).body]).toEqual([{ jobs: [] }, { consents: [] }])
    })

    it('is done within the limit alone, and no oftener than was consented to', async () => {
      const { body } = await visit('/consents', 'shop:restock', { ...consent, item: 'tea' })
      await restock(51, 'tea')
      await heard('job', { step: 'buried', job: `restock-${String(body['consent'])}-1`, code: 'ERR_EXCHANGE_GRANT_PARAMETERS' })
      expect([(await restock(50, 'tea')).body, (await restock(50, 'tea')).body]).toEqual([
        { jobs: [`restock-${String(body['consent'])}-2`] },
        { jobs: [] },
      ])
      await heard('job', { step: 'done', job: `restock-${String(body['consent'])}-2` })
    })

    it('is begun by the storefront itself where it is told how often, for what it sells at its price', async () => {
      const { body } = await visit('/consents', 'shop:restock', { ...consent, item: 'teapot', runs: 1 })
      const done = await heard('job', { step: 'done', job: `restock-${String(body['consent'])}-1` })
      expect(done).toMatchObject({ action: 'restock', subject: 'user:ada' })
    })

    it('is begun by the scheduler, and nobody else, and consented to in person', async () => {
      const orders = await shop.as(id('orders'))
      const answer = await answerOf(await orders.fetch(`${shop.origin('storefront')}/restocks`, post({ item: 'tea', amount: 1 })))
      expect(answer.status).toBe(403)
      expect((await visit('/consents', 'shop:order', consent)).status).toBe(403)
    })
  })

  it('no token is in any log', () => {
    expect(shop.log.join('\n')).not.toMatch(/eyJ[\w-]+\.[\w-]+\./)
  })
})

const EMPTY = { fields: [], payload: new TextEncoder().encode('nothing') } as const

function absent(): never {
  throw new Error('not here')
}
