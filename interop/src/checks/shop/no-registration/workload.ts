import type { WitCredential } from '@wimse/wit'
import type { Check, Evidence } from '../../../suite/check.ts'
import { expectTokenRefused, issued, type TokenRefusal } from '../ask-tokens.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { shownToken } from '../tokens.ts'
import { type FleetRequest, fleetId, fleetRequest, openFleet, sendAs } from './fleet-workloads.ts'

const GONE_SECONDS = 900

interface Row extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  readonly refusals: readonly TokenRefusal[]
  /** The request that has to fail; one for each refusal. */
  attack(scene: ShopScene, own: WitCredential): Promise<readonly (readonly [WitCredential, FleetRequest?])[]>
}

const rows: readonly Row[] = [
  {
    name: 'workload.outside-the-pattern',
    title: 'workloads beside the pattern: its parent, and one whose name only begins like it',
    requirements: ['SCA-5.1-06', 'SCA-5.1-07', 'TXN-11.3-02'],
    refusals: [
      { code: 'ERR_POLICY_DENIED', detail: 'no rule' },
      { code: 'ERR_POLICY_DENIED', detail: 'no rule' },
    ],
    async attack(scene) {
      const fleet = await openFleet(scene)
      return [[await fleet.workload('spiffe://shop.example/fleet')], [await fleet.workload('spiffe://shop.example/fleets/1')]]
    },
  },
  {
    name: 'workload.another-trust-domain',
    title: "a workload of the bank under the bank's own key, and one of the fleet under the bank's key",
    requirements: ['SCA-5.1-06', 'SCA-3.3.1-03', 'SCA-6-01'],
    refusals: [{ code: 'ERR_EXCHANGE_CLIENT_ADMISSION' }, { code: 'ERR_EXCHANGE_CLIENT_CREDENTIAL' }],
    async attack(scene) {
      const bank = await openFleet(scene, 'bank.example')
      return [[await bank.workload('spiffe://bank.example/fleet/1')], [await bank.workload(fleetId(1))]]
    },
  },
  {
    name: 'workload.speaks-for-another',
    title: 'one workload of the pattern names another: as the subject, and as the client',
    requirements: ['TXN-11.3-04', 'ATT-7.1-06', 'SCA-3.3.1-03'],
    refusals: [{ code: 'ERR_EXCHANGE_SUBJECT_TOKEN', detail: 'sub' }, { code: 'ERR_EXCHANGE_CLIENT_ID' }],
    attack: async (_scene, own) => [
      [own, { subject: fleetId('another') }],
      [own, { clientId: fleetId('another') }],
    ],
  },
  {
    name: 'workload.stolen',
    title: "the WIT of one workload with a proof by another one's key",
    requirements: ['ATT-5.1-07', 'SCA-3.3-01'],
    refusals: [{ code: 'ERR_EXCHANGE_POP_SIGNATURE' }],
    async attack(scene, own) {
      const { signer } = await (await openFleet(scene)).workload(fleetId('thief'))
      return [[{ ...own, signer }]]
    },
  },
  {
    name: 'workload.expired',
    title: 'a WIT whose time is over',
    requirements: ['SCA-3.3.1-02', 'CRED-5.1-07'],
    refusals: [{ code: 'ERR_EXCHANGE_CLIENT_CREDENTIAL', detail: 'ERR_WIT_EXPIRED' }],
    async attack(scene, { expiresAt }) {
      const old = await (await openFleet(scene)).workload(fleetId('old'), { issuedSecondsAgo: GONE_SECONDS })
      // Our own client makes no proof with it: a thief's does.
      return [[{ ...old, expiresAt }]]
    },
  },
  {
    name: 'workload.scope-widened',
    title: 'more scope than the rule of the pattern gives',
    requirements: ['TXN-11.3-12', 'TXN-9.2.1-01'],
    refusals: [{ code: 'ERR_EXCHANGE_SCOPE' }],
    attack: async (_scene, own) => [[own, { scope: 'orders:place' }]],
  },
  {
    name: 'workload.confused-audience',
    title: "a proof that was made for the bank's token service",
    requirements: ['ATT-5.1-02', 'SCA-3.3.1-04'],
    refusals: [{ code: 'ERR_EXCHANGE_POP_AUD' }],
    attack: async (scene, own) => [[own, { proofFor: scene.at('bank-tokens') }]],
  },
]

/** The workload itself gets a token first, so that no attack fails for another reason. */
async function attacked(scene: ShopScene, { name, refusals, attack }: Row): Promise<Evidence> {
  const own = await (await openFleet(scene)).workload(fleetId(name))
  const token = issued(await sendAs(scene, own, await fleetRequest(scene, own)))
  const found: Evidence[] = []
  for (const [index, [credential, change]] of (await attack(scene, own)).entries()) {
    const refusal = refusals[index]
    if (refusal === undefined) throw new Error('an attack without a refusal')
    const answer = await sendAs(scene, credential, await fleetRequest(scene, credential, change))
    found.push(await expectTokenRefused(scene, answer, refusal))
  }
  return { accepted: shownToken('transaction token', token), refused: found }
}

/** A pattern admits; who asks is still proven, and speaks for itself alone. */
export const workloadOfFleetChecks: readonly Check[] = shopChecks('no-registration', [
  ...rows.map((row) => ({
    name: row.name,
    title: row.title,
    requirements: row.requirements,
    run: (scene: ShopScene) => attacked(scene, row),
  })),
  {
    name: 'workload.replayed',
    title: 'the same request twice',
    requirements: ['ATT-9.7-01', 'ATT-11.1-01'],
    async run(scene) {
      const own = await (await openFleet(scene)).workload(fleetId('replayed'))
      const request = await fleetRequest(scene, own)
      const token = issued(await sendAs(scene, own, request))
      const refused = await expectTokenRefused(scene, await sendAs(scene, own, request), { code: 'ERR_EXCHANGE_POP_REPLAYED' })
      return { accepted: shownToken('transaction token', token), refused }
    },
  },
])
