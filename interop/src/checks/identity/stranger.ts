import { type Check, CheckFailure } from '../../suite/check.ts'
import { evidenceOf } from '../../suite/evidence.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { charge, scenes } from '../scene.ts'

/** A workload without a registration gets no credential, so it has nothing to call with. */
export const strangerChecks: readonly Check[] = scenes.slice(0, 1).map((scene) => ({
  id: `${scene.scenario}.identity.stranger`,
  title: 'a workload without an entry gets no identity from the Workload API',
  scenario: scene.scenario,
  kind: 'attack',
  requirements: ['WLAPI-4.1-01', 'CRED-9.2-01'],
  async run({ world }) {
    const stranger = world.workload('stranger')
    const status = await stranger.status()
    const result = await stranger.call(charge(world, scene, 'wpt'))
    const evidence = { status: evidenceOf(status), call: evidenceOfCall(result) }
    const hasIdentity = status.ready || status.identifier !== undefined || status.witHash !== undefined
    if (hasIdentity) throw new CheckFailure('the stranger got an identity', evidence)
    if (result.outcome === 'answered') throw new CheckFailure('the stranger made a call', evidence)
    return evidence
  },
}))
