import type { JsonObject } from '@wimse/core'
import { type Check, CheckFailure, type Evidence } from '../../../suite/check.ts'
import { tokenName } from '../../../suite/evidence.ts'
import type { WorkloadName } from '../../../world/world.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { callService, expectDone } from '../call-service.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, shopId, shownToken } from '../tokens.ts'
import { type Deferred, deferOrder, deferRestock, expectEntries, giveUp, redeemDeferred, settle, workOf } from './deferred-steps.ts'

/** What an operator, or the requester, stops: grants are refused then, those of others are not. */
interface Stop extends Pick<ShopCheck, 'name' | 'title' | 'phase'> {
  stopped(deferred: Deferred): JsonObject
  readonly refused?: TokenRefusal
  /** Work that goes on meanwhile. */
  readonly goesOn?: (scene: ShopScene) => Promise<Deferred>
}

const REVOKED = { code: 'ERR_EXCHANGE_GRANT_REVOKED' } as const
const REQUIREMENTS = ['AIM-11-03', 'AIM-11-04', 'TXN-13.4-02'] as const

const stops: readonly Stop[] = [
  {
    name: 'revoked.by-transaction',
    title: 'an operator stops the transaction in which the work was put off',
    stopped: ({ grant }) => ({ transaction: String(claimsOf(grant)['txn']) }),
  },
  {
    name: 'revoked.by-work',
    title: 'an operator stops the transaction of the work itself, before anybody has begun it',
    stopped: (deferred) => ({ transaction: workOf(deferred) }),
  },
  {
    name: 'revoked.by-token',
    title: 'an operator stops the grant',
    stopped: ({ grant }) => ({ token: grant }),
  },
  // From here on everybody's work stands still while one of them runs.
  {
    name: 'revoked.by-subject',
    title: 'an operator stops the user, whose orders were put off',
    phase: 14,
    stopped: ({ grant }) => ({ subject: String(claimsOf(grant)['sub']) }),
    goesOn: (scene) => deferOrder(scene, {}, 'ada'),
  },
  {
    name: 'revoked.by-requester',
    title: 'an operator stops orders, which has put the work off',
    phase: 15,
    stopped: () => ({ workload: shopId('orders') }),
    goesOn: (scene) => deferRestock(scene),
  },
  {
    name: 'revoked.by-entry',
    title: 'an operator stops the storefront, where the transaction began that the work was put off in',
    phase: 16,
    stopped: () => ({ workload: shopId('storefront') }),
  },
  {
    name: 'revoked.by-worker',
    title: 'an operator stops the worker',
    phase: 17,
    stopped: () => ({ workload: shopId('settlement') }),
    refused: { code: 'ERR_EXCHANGE_CLIENT_REVOKED' },
  },
]

async function attackStopped(scene: ShopScene, { stopped, refused = REVOKED, goesOn }: Stop): Promise<Evidence> {
  const deferred = await deferOrder(scene, {}, 'bob')
  const other = goesOn === undefined ? undefined : await goesOn(scene)
  const about = stopped(deferred)
  const revocation = await stop(scene, about)
  let attack: Evidence
  let unaffected: Evidence | undefined
  try {
    attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), refused)
    if (other !== undefined) unaffected = await workOff(scene, other)
  } finally {
    await goOn(scene, revocation)
  }
  const without = await expectEntries(scene, deferred, 0)
  // What was stopped can go on, with the same grant.
  const accepted = await workOff(scene, deferred)
  const grant = shownToken('deferred grant', deferred.grant)
  return { grant, stopped: { ...revocation }, attack, without, ...(unaffected && { unaffected }), accepted }
}

/** A stopped grant is worth nothing to anybody; others' are. */
export const revokedChecks: readonly Check[] = shopChecks('async-job', [
  ...stops.map(
    (each): ShopCheck => ({
      name: each.name,
      title: each.title,
      requirements: REQUIREMENTS,
      ...(each.phase !== undefined && { phase: each.phase }),
      run: (scene) => attackStopped(scene, each),
    }),
  ),
  {
    name: 'revoked.by-its-client',
    title: 'orders takes the grant back that it has got: another one of the same transaction stays good',
    requirements: REQUIREMENTS,
    async run(scene) {
      const [deferred, other] = [await deferOrder(scene), await deferOrder(scene)]
      const given = await giveUp(scene, deferred.grant, 'as-orders')
      const attack = await expectTokenRefused(scene, await redeemDeferred(scene, deferred), REVOKED)
      const without = await expectEntries(scene, deferred, 0)
      return { given, attack, without, accepted: await workOff(scene, other) }
    },
  },
  {
    name: 'revoked.by-a-stranger',
    title: 'rogue, and the worker, take back a grant that is not theirs',
    requirements: ['TXN-11.5-03', 'AIM-11-03'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const refused: Evidence[] = []
      for (const by of ['rogue', 'as-settlement', 'as-payments'] as const) refused.push(await expectNotGivenUp(scene, deferred.grant, by))
      return { refused, accepted: await workOff(scene, deferred) }
    },
  },
  {
    name: 'revoked.by-no-operator',
    title: 'the worker stops the transaction of a job itself, as only operators may',
    requirements: ['AIM-11-03'],
    async run(scene) {
      const deferred = await deferOrder(scene)
      const call = { service: 'shop-tokens', path: '/revocations', json: { transaction: String(claimsOf(deferred.grant)['txn']) } } as const
      const { status, evidence } = await callService(scene, { by: 'as-settlement', ...call })
      if (status !== 403) throw new CheckFailure(`the worker got ${status}, expected 403`, { call: evidence })
      return { refused: evidence, accepted: await workOff(scene, deferred) }
    },
  },
])

async function expectNotGivenUp(scene: ShopScene, token: string, by: WorkloadName): Promise<Evidence> {
  const given = await giveUp(scene, token, by).catch((error: unknown) => {
    if (error instanceof CheckFailure) return undefined
    throw error
  })
  if (given !== undefined) throw new CheckFailure(`${by} has taken back a grant that is not its own`, given)
  return { by, token: tokenName('deferred grant', token) }
}

/** Redeems and settles, as the worker does. */
async function workOff(scene: ShopScene, deferred: Deferred): Promise<Evidence> {
  const token = issued(await redeemDeferred(scene, deferred))
  expectDone(await settle(scene, token, { amount: Number(deferred.parameters['amount']) }))
  return expectEntries(scene, deferred, 1)
}

interface Recorded {
  readonly kind: string
  readonly hash: string
}

async function stop(scene: ShopScene, about: JsonObject): Promise<Recorded> {
  const answer = await callService(scene, {
    by: 'operator',
    service: 'shop-tokens',
    path: '/revocations',
    json: { ...about, reason: 'suite' },
  })
  expectDone(answer, 200)
  return { kind: String(answer.body['kind']), hash: String(answer.body['hash']) }
}

async function goOn(scene: ShopScene, { kind, hash }: Recorded): Promise<void> {
  const path = `/revocations/${kind}/${hash}`
  expectDone(await callService(scene, { by: 'operator', service: 'shop-tokens', path, method: 'DELETE', json: {} }), 200)
}
