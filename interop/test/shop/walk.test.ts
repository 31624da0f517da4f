import { describe, expect, it } from 'vitest'
import { formatWalk } from '../../src/shop/format-walk.ts'
import { type Step, walkOf } from '../../src/shop/walk.ts'
import type { Hop, JobLine, ServiceName, TokenEvent } from '../../src/world/world.ts'

const at = (second: number): string => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000Z`
const hop = (second: number, service: ServiceName, caller?: string, more: Partial<Hop> = {}): Hop => ({
  service,
  time: at(second),
  request: 'POST /',
  ...(caller !== undefined && { caller: `spiffe://shop.example/${caller}`, proof: 'wpt' }),
  decision: 'allowed',
  ...more,
})
const issued = (second: number, client: string, kind: string): TokenEvent => ({
  time: at(second),
  event: 'token.issued',
  client: `spiffe://shop.example/${client}`,
  kind,
  target: 'shop.example',
  scope: ['orders:place'],
  tokenHash: 'aGFzaCBvZiBhIHRva2VuIGlzIGxvbmc',
})

/** As the services leave it: each line when the request has ended. */
const ORDER = {
  hops: [
    hop(2, 'fraud', 'orders'),
    hop(5, 'ledger', 'payments', { subject: 'customer', actors: ['spiffe://shop.example/services'] }),
    hop(6, 'payments', 'orders', { requestingWorkloads: ['spiffe://shop.example/storefront', 'spiffe://shop.example/fraud'] }),
    hop(7, 'orders', 'storefront'),
    hop(8, 'storefront', undefined, { proof: 'bearer', subject: 'user:ada', scope: ['shop:order'] }),
  ],
  events: {
    shop: [issued(0, 'storefront', 'transaction-token'), issued(1, 'fraud', 'replacement'), issued(3, 'payments', 'authorization-grant')],
    bank: [issued(4, 'payments', 'access-token')],
  },
}

/** A job as its worker leaves it: a line for each step, the last one when it has ended. */
const job = (second: number, step: JobLine['step'], more: Partial<JobLine> = {}): JobLine => ({
  service: 'settlement',
  time: at(second),
  position: 'SETTLEMENT:1',
  delivery: 1,
  step,
  job: 'teapot-1',
  action: 'settle',
  sender: 'spiffe://shop.example/orders-evening',
  ...more,
})
const NIGHT = {
  hops: [
    hop(5, 'ledger', 'payments', {
      entry: 'entry-1',
      requester: 'spiffe://shop.example/orders-evening',
      worker: 'spiffe://shop.example/settlement',
      user: 'user:ada',
    }),
    hop(6, 'payments', 'settlement'),
  ],
  jobs: [
    job(0, 'taken'),
    job(2, 'redeemed'),
    job(7, 'done', { subject: 'user:ada', transaction: 'new', linkedTransaction: 'old', receipt: 'entry-1' }),
  ],
  events: { shop: [issued(1, 'settlement', 'deferred-redemption'), issued(3, 'payments', 'authorization-grant')], bank: [] },
}

const outline = (steps: readonly Step[]): unknown[] =>
  steps.map((step) => {
    if (step.kind === 'token') return `${step.domain} ${String(step.event['kind'])}`
    return [step.kind === 'hop' ? step.hop.service : `job of ${step.job.service}`, ...outline(step.steps)]
  })

describe('walkOf', () => {
  it('puts requests below the one on whose behalf they were made, in the order in which they were made', () => {
    expect(outline(walkOf(ORDER))).toEqual([
      [
        'storefront',
        'shop transaction-token',
        ['orders', ['fraud', 'shop replacement'], ['payments', 'shop authorization-grant', 'bank access-token', ['ledger']]],
      ],
    ])
  })

  it('puts what a worker asked for below the job, once for all of its lines', () => {
    expect(outline(walkOf(NIGHT))).toEqual([
      ['job of settlement', 'shop deferred-redemption', ['payments', 'shop authorization-grant', ['ledger']]],
    ])
  })

  it('leaves nothing out: what belongs below nothing stands for itself', () => {
    const { hops, events } = ORDER
    const stray = hop(9, 'orders', 'rogue', { decision: 'refused', reason: 'ERR_POLICY_DENIED' })
    const late = issued(9, 'storefront', 'transaction-token')
    expect(outline(walkOf({ hops: [...hops, stray], events: { ...events, shop: [...events.shop, late] } })).slice(1)).toEqual([
      ['orders'],
      'shop transaction-token',
    ])
  })
})

describe('formatWalk', () => {
  it('numbers every step, and says who, by what, for whom, through whom, and what came of it', () => {
    const lines = formatWalk(walkOf(ORDER), 'ada')
    expect(lines.filter((line) => /^ *\d+\. /.test(line)).map((line) => line.trim())).toEqual([
      '1. ada → storefront  POST /  by a bearer token, with no proof',
      '2.   storefront → token service of shop.example: a transaction token',
      '3.   storefront → orders  POST /  by a WPT',
      '4.     orders → fraud  POST /  by a WPT',
      '5.       fraud → token service of shop.example: the transaction token that replaces it',
      '6.     orders → payments  POST /  by a WPT',
      '7.       payments → token service of shop.example: an authorization grant',
      '8.       payments → token service of bank.example: an access token',
      '9.       payments → ledger  POST /  by a WPT',
    ])
    const text = lines.join('\n')
    expect(text).toContain('came in at storefront, then fraud')
    expect(text).toContain('for customer, services acting')
    expect(text).not.toContain('aGFzaCBvZiBhIHRva2VuIGlzIGxvbmc')
  })

  it('says of a job who sent it, for whom it is, and whose names the ledger has', () => {
    const text = formatWalk(walkOf(NIGHT), 'ada').join('\n')
    expect(text).toContain('1. queue → settlement  settle teapot-1  (SETTLEMENT:1)  by a message proof of orders-evening')
    expect(text).toContain('for user:ada, transaction new out of old')
    expect(text).toContain('done: entry-1')
    expect(text).toContain('entry-1 in the ledger: for user:ada, put off by orders-evening, done by settlement')
    const buried = { hops: [], jobs: [job(0, 'taken'), job(1, 'buried', { code: 'ERR_POLICY_DENIED' })], events: { shop: [], bank: [] } }
    expect(formatWalk(walkOf(buried), 'ada').join('\n')).toContain('given up: ERR_POLICY_DENIED')
  })

  it.each([
    [
      'a service',
      { hops: [hop(1, 'orders', 'rogue', { decision: 'refused', reason: 'ERR_POLICY_DENIED' })], events: { shop: [], bank: [] } },
    ],
    [
      'a token service',
      {
        hops: [],
        events: { shop: [{ time: at(1), event: 'token.refused', code: 'ERR_POLICY_DENIED', error: 'access_denied' }], bank: [] },
      },
    ],
  ])('shows the refusal of %s', (_title, traces) => {
    expect(formatWalk(walkOf(traces), 'ada').join('\n')).toMatch(/refused: ERR_POLICY_DENIED/)
  })
})
