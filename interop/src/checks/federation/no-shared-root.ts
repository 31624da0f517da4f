import { type Check, CheckFailure } from '../../suite/check.ts'
import { anchorOf } from '../call-until.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { charge, scenes } from '../scene.ts'

/** The two trust domains have no root in common: federation is what makes a call between them possible. */
export const noSharedRootChecks: readonly Check[] = [
  {
    id: 'cross-trust-domain.federation.no-shared-root',
    title: 'payments and ledger are validated under different roots',
    scenario: 'cross-trust-domain',
    kind: 'positive',
    requirements: ['FED-4.2-06', 'BUNDLE-3-02', 'MTLS-3.2-08'],
    async run({ world }) {
      const calls = scenes.map((scene) => world.workload('orders').call(charge(world, scene, 'mutual-tls')))
      const results = await Promise.all(calls)
      const anchors = results.map(anchorOf)
      const evidence = { anchors, calls: results.map(evidenceOfCall) }
      if (new Set(anchors).size !== scenes.length) throw new CheckFailure('both were validated under the same root', evidence)
      return evidence
    },
  },
]
