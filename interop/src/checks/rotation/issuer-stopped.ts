import { waitUntil } from '../../spire/wait-until.ts'
import { type Check, type CheckContext, CheckFailure, type Evidence, NotRun } from '../../suite/check.ts'
import { evidenceOf } from '../../suite/evidence.ts'
import type { WitAgentHealth } from '../../world/world.ts'
import { isServed } from '../call-until.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { charge, proofs, scenes } from '../scene.ts'

const NOTICE_MS = 30_000
const RECOVERY_MS = 90_000

/** SPIRE's server is gone for a while: who has credentials goes on, the WIT agent says what is wrong, and all recovers by itself. */
export const issuerStoppedChecks: readonly Check[] = [
  {
    id: 'rotation.issuer.stopped',
    title: 'the issuer of shop.example stops and comes back',
    scenario: 'rotation',
    kind: 'fault',
    requirements: ['WLEP-6-03', 'CRED-9.4-03'],
    phase: 50,
    timeoutMs: 180_000,
    run: stopAndStart,
  },
]

async function stopAndStart({ world, log }: CheckContext): Promise<Evidence> {
  if (world.driver === 'embedded') throw new NotRun('the embedded authority has no server to stop', 'run the docker or the process driver')
  const shop = world.trustDomains['shop.example']
  const healthy = await shop.witAgentHealth()
  let meanwhile: Evidence
  await shop.stopIssuer()
  try {
    const noticed = healthy && (await healthIs(shop.witAgentHealth, (status) => status !== 'ok', NOTICE_MS))
    meanwhile = { health: evidenceOf(noticed), calls: await callAll(world) }
    log('the issuer is gone and the calls go on')
  } finally {
    await shop.startIssuer()
  }
  const before = await world.workload('orders').status()
  const recovered = healthy && (await healthIs(shop.witAgentHealth, (status) => status === 'ok', RECOVERY_MS))
  const isRenewed = async (): Promise<boolean> => (await world.workload('orders').status()).rotations.wit > before.rotations.wit
  await waitUntil('a new WIT of orders', isRenewed, { timeoutMs: RECOVERY_MS, intervalMs: 500 })
  return { meanwhile, recovered: evidenceOf(recovered), after: await callAll(world) }
}

function healthIs(
  ask: () => Promise<WitAgentHealth | undefined>,
  fits: (status: WitAgentHealth['status']) => boolean,
  timeoutMs: number,
): Promise<WitAgentHealth> {
  const probe = async (): Promise<WitAgentHealth | undefined> => {
    const health = await ask()
    return health !== undefined && fits(health.status) ? health : undefined
  }
  return waitUntil('the health of the WIT agent', probe, { timeoutMs, intervalMs: 250 })
}

async function callAll(world: CheckContext['world']): Promise<readonly Evidence[]> {
  const calls = scenes.flatMap((scene) => proofs.map(({ name }) => ({ scene, proof: name })))
  return Promise.all(
    calls.map(async ({ scene, proof }) => {
      const result = await world.workload('orders').call(charge(world, scene, proof))
      if (!isServed(result)) throw new CheckFailure(`${scene.callee} did not serve ${proof}`, { call: evidenceOfCall(result) })
      return { callee: scene.callee, proof, status: result.status ?? null }
    }),
  )
}
