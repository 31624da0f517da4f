import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSigner } from '@wimse/keys'
import { findRedis, type RedisServer, startRedisServer } from '@wimse/replay-redis/testing'
import type { Workload } from '@wimse/workload/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenService } from '../src/index.ts'
import { type DeferredWork, deferral, deferredWork, OTHER_WORKER, standing, WORKER } from './deferred-harness.ts'
import { ACCESS_TYPE, type Answer, claimsOf, closeAll, createWorld, ORDERS, STOREFRONT, type World } from './harness.ts'

const found = await findRedis()
const missing = 'missing' in found ? found.missing : undefined

let world: World
let redis: RedisServer | undefined
/** One service twice, or two instances that share their state. */
let services: readonly [TokenService, TokenService]
let work: DeferredWork
let storefront: Workload
let orders: Workload
let workers: readonly [Workload, Workload]

afterEach(async () => {
  await closeAll()
  await redis?.close()
  redis = undefined
})

async function sharedState(): Promise<object> {
  redis = await startRedisServer()
  const { exportPrivateJwk } = await generateSigner('ES256', world.runtime)
  const file = join(world.directory, 'shared-keys.json')
  await writeFile(file, JSON.stringify({ keys: [{ ...exportPrivateJwk(), kid: 'one', alg: 'ES256' }] }))
  return { keys: { file }, state: { redis: { url: redis.url, prefix: 'test:', timeoutMs: 5000 } } }
}

async function begin(kind: 'memory' | 'Redis'): Promise<void> {
  world = await createWorld()
  if (kind === 'memory') {
    const service = await world.start(deferral())
    services = [service, service]
  } else {
    const options = { ...deferral(), ...(await sharedState()) }
    services = [await world.start(options), await world.start(options)]
  }
  work = deferredWork(world, services[0])
  const names = [STOREFRONT, ORDERS, WORKER, OTHER_WORKER] as const
  const [first, second, third, fourth] = await Promise.all(names.map((name) => world.workload(name, services)))
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error('workloads')
  storefront = first
  orders = second
  workers = [third, fourth]
}

async function granted(): Promise<string> {
  const { body } = await work.defer(orders, await work.transaction(storefront))
  return String(body['access_token'])
}

async function consented(uses: number): Promise<string> {
  const { scope, deferral: asked } = standing(world)
  const subjectToken = { token: await world.accessToken(), type: ACCESS_TYPE }
  const { body } = await work.defer(storefront, subjectToken, { ...(scope && { scope }), deferral: { ...asked, uses } })
  return String(body['access_token'])
}

const run = (worker: Workload, grant: string, use: string, service: TokenService): Promise<Answer> =>
  work.redeem(worker, grant, { scope: ['orders:restock'], use, parameters: { sku: 'a', amount: 1 } }, service)
const outcome = ({ status, body }: Answer): unknown => (status === 200 ? 'token' : body['wimse_ts_code'])

describe.each(['memory', 'Redis'] as const)('uses of a grant, remembered in %s,', (kind) => {
  beforeEach((context) => {
    if (kind === 'Redis' && missing !== undefined) context.skip(missing)
    return begin(kind)
  })

  it('go to one of two workers that ask at the same moment', async () => {
    const [one, two] = workers
    for (let round = 0; round < 5; round += 1) {
      const grant = await granted()
      const answers = await Promise.all([work.redeem(one, grant, {}, services[0]), work.redeem(two, grant, {}, services[1])])
      expect(answers.map(outcome).sort()).toEqual(['ERR_EXCHANGE_GRANT_HELD', 'token'])
    }
  })

  it('are never two live tokens, not even for the one that has one', async () => {
    const [one] = workers
    const grant = await granted()
    const first = await work.redeem(one, grant)
    const { exp } = claimsOf(first.body['access_token'])
    world.runtime.advance(59)
    expect(outcome(await work.redeem(one, grant, {}, services[1]))).toBe('ERR_EXCHANGE_GRANT_HELD')
    world.runtime.advance(1)
    expect(world.runtime.now() / 1000).toBeGreaterThanOrEqual(Number(exp))
    expect(outcome(await work.redeem(one, grant, {}, services[1]))).toBe('token')
  })

  it('are taken over after the lease, as the same transaction, as often as the rule says', async () => {
    const [one, two] = workers
    const grant = await granted()
    const first = claimsOf((await work.redeem(one, grant)).body['access_token'])
    for (let count = 0; count < 3; count += 1) {
      world.runtime.advance(60)
      const answer = await work.redeem(two, grant, {}, services[count % 2])
      expect(world.lastEvent()).toMatchObject({ kind: 'deferred-redemption', use: 'taken over', transaction: first['txn'] })
      expect(claimsOf(answer.body['access_token'])).toMatchObject({ txn: first['txn'], act: { sub: OTHER_WORKER } })
    }
    world.runtime.advance(60)
    expect(outcome(await work.redeem(one, grant))).toBe('ERR_EXCHANGE_GRANT_TAKEOVERS')
  })

  it('are over when the worker gives its token up, before the lease ends and after it', async () => {
    const [one, two] = workers
    const [early, late] = [await granted(), await granted()]
    const first = await work.redeem(one, early)
    const other = await work.redeem(one, late)
    expect((await work.giveUp(two, first.body['access_token'])).body['error']).toBe('unauthorized_client')
    expect((await work.giveUp(one, first.body['access_token'], services[1])).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', kind: 'token', use: 'finished' })
    world.runtime.advance(180)
    expect((await work.giveUp(one, other.body['access_token'])).status).toBe(200)
    expect(world.lastEvent()).toMatchObject({ event: 'revocation.recorded', use: 'finished', grantHash: expect.any(String) })
    for (const grant of [early, late]) expect(outcome(await work.redeem(two, grant))).toBe('ERR_EXCHANGE_GRANT_REPLAYED')
  })

  it('are over in the second in which they began, when another token would say the same as the one that was given up', async () => {
    const [one] = workers
    const grant = await granted()
    expect((await work.giveUp(one, (await work.redeem(one, grant)).body['access_token'])).status).toBe(200)
    expect(outcome(await work.redeem(one, grant))).toBe('ERR_EXCHANGE_GRANT_REPLAYED')
  })

  it('of a batch are as many as the grant has, each once', async () => {
    const grant = await consented(20)
    const names = Array.from({ length: 24 }, (_, index) => `job-${index}`)
    // Every job twice, at the same moment and at both instances.
    const asked = names.flatMap((name) => [run(workers[0], grant, name, services[0]), run(workers[1], grant, name, services[1])])
    const answers = await Promise.all(asked)
    const tokens = answers.filter(({ status }) => status === 200).map(({ body }) => claimsOf(body['access_token']))
    expect(tokens).toHaveLength(20)
    expect(new Set(tokens.map(({ txn }) => txn)).size).toBe(20)
    const codes = answers.map(outcome).filter((code) => code !== 'token')
    expect(new Set(codes)).toEqual(new Set(['ERR_EXCHANGE_GRANT_HELD', 'ERR_EXCHANGE_GRANT_EXHAUSTED']))
    world.runtime.advance(60)
    expect(outcome(await run(workers[0], grant, 'another', services[0]))).toBe('ERR_EXCHANGE_GRANT_EXHAUSTED')
  })
})

describe.skipIf(missing !== undefined)(`uses of a grant in Redis${missing === undefined ? '' : ` (${missing})`}`, () => {
  beforeEach(() => begin('Redis'))

  it('are worth nothing once no rule admits the grant', async () => {
    const [first] = services
    const grant = await granted()
    const options = { keys: { file: join(world.directory, 'shared-keys.json') }, state: { redis: { url: redis?.url } } }
    const rules = [
      { requesters: [STOREFRONT] },
      { workers: [OTHER_WORKER] },
      { subjectTokenTypes: ['access_token'] },
      { actions: { refund: { scope: { 'payments:settle': [] }, members: ['order', 'amount'] } } },
    ]
    for (const changes of rules) {
      const later = await world.start({ ...deferral(changes), ...options })
      const worker = await world.workload(WORKER, [later])
      expect(outcome(await work.redeem(worker, grant, {}, later))).toBe('ERR_EXCHANGE_GRANT_RULE')
    }
    expect(outcome(await work.redeem(workers[0], grant, {}, first))).toBe('token')

    const open = await consented(20)
    const strict = await world.start({ ...deferral({}, { standing: false }), ...options })
    expect(outcome(await run(await world.workload(WORKER, [strict]), open, 'one', strict))).toBe('ERR_EXCHANGE_GRANT_RULE')
    const fewer = await world.start({
      ...deferral({}, { maxUses: 1 }),
      ...options,
      state: { redis: { url: redis?.url, prefix: 'other:' } },
    })
    const worker = await world.workload(WORKER, [fewer])
    expect(outcome(await run(worker, open, 'one', fewer))).toBe('token')
    expect(outcome(await run(worker, open, 'two', fewer))).toBe('ERR_EXCHANGE_GRANT_EXHAUSTED')
  })

  it('are not given out while it is away; lost with it, they do no harm: the transaction is the same again', async () => {
    const [grant, unused] = [await granted(), await granted()]
    const one = claimsOf((await work.redeem(workers[0], grant)).body['access_token'])
    await redis?.kill()
    const refused = await work.redeem(workers[0], unused)
    expect([refused.status, refused.body['error']]).toEqual([503, 'temporarily_unavailable'])
    expect(refused.body).not.toHaveProperty('access_token')
    await redis?.start()
    let answer = await work.redeem(workers[1], grant)
    while (answer.status === 503) {
      world.runtime.advance(0.1)
      answer = await work.redeem(workers[1], grant)
    }
    expect(claimsOf(answer.body['access_token'])['txn']).toBe(one['txn'])
  })
})
