import { type Check, CheckFailure } from '../../suite/check.ts'
import { evidenceOf, evidenceRecord } from '../../suite/evidence.ts'
import { steadyStream } from './steady-stream.ts'

const MIN_CALLS_PER_SECOND = 5

/** The stream begins before everything else of its world; it ends when the rotations are over, and none of its calls has failed. */
export const streamChecks: readonly Check[] = [
  {
    id: 'rotation.stream.begins',
    title: 'a steady stream of calls by every proof to both callees',
    scenario: 'rotation',
    kind: 'positive',
    requirements: ['CRED-9.4-03'],
    async run({ world }) {
      const { begun } = await steadyStream(world)
      return { caller: evidenceOf(begun) }
    },
  },
  {
    id: 'rotation.stream.none-failed',
    title: 'no call of the stream has failed, whatever was rotated meanwhile',
    scenario: 'rotation',
    kind: 'positive',
    requirements: ['CRED-9.4-03', 'WPT-3.2-03', 'BUNDLE-3-03'],
    phase: 30,
    async run({ world }) {
      const report = await (await steadyStream(world)).stop()
      const { made, failed, seconds, credentials } = report
      const evidence = evidenceRecord({ ...report, failed: failed.slice(0, 50) })
      if (failed.length > 0) {
        const counts = [...Map.groupBy(failed, ({ proof, code }) => `${proof} ${code}`)].map(([what, all]) => `${all.length} × ${what}`)
        throw new CheckFailure(`${failed.length} of ${made} calls failed: ${counts.join(', ')}`, evidence)
      }
      if (made < seconds * MIN_CALLS_PER_SECOND) throw new CheckFailure(`${made} calls in ${seconds} s are no steady stream`, evidence)
      if (credentials.x509 < 2 || credentials.wit < 2) throw new CheckFailure('the caller used one credential all the time', evidence)
      return evidence
    },
  },
]
