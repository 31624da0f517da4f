import { waitUntil } from '../../spire/wait-until.ts'
import type { Check } from '../../suite/check.ts'
import { evidenceOf } from '../../suite/evidence.ts'
import type { WorkloadName } from '../../world/world.ts'
import { steadyStream } from './steady-stream.ts'

const RENEWED: readonly WorkloadName[] = ['orders', 'payments', 'ledger']
const TIMEOUT_MS = 100_000

/** Credentials that live for a minute are renewed while the calls go on, and while the attacks of the first phase are made. */
export const naturalRotationChecks: readonly Check[] = [
  {
    id: 'rotation.credentials.renewed',
    title: 'caller and callees renew their X.509-SVIDs and WITs under the stream of calls',
    scenario: 'rotation',
    kind: 'positive',
    requirements: ['CRED-9.4-03', 'WPT-3.2-03', 'WLAPI-4.3-01'],
    timeoutMs: TIMEOUT_MS + 10_000,
    async run({ world }) {
      await steadyStream(world)
      const renewed = RENEWED.map(async (name) => {
        const before = await world.workload(name).status()
        const isRenewed = async (): Promise<object | undefined> => {
          const now = await world.workload(name).status()
          const x509 = now.rotations.x509 - before.rotations.x509
          const wit = now.rotations.wit - before.rotations.wit
          return x509 > 0 && wit > 0 ? { workload: name, x509, wit, witSource: now.witSource } : undefined
        }
        return evidenceOf(await waitUntil(`a renewal of ${name}`, isRenewed, { timeoutMs: TIMEOUT_MS, intervalMs: 500 }))
      })
      return { renewed: await Promise.all(renewed) }
    },
  },
]
