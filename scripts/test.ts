// npm test                      every step
// npm run check                 every step but the tests
// npm test -- types imports     some steps
import { dirname } from 'node:path'
import type { StepResult } from './gates/step.ts'
import { steps } from './gates/steps.ts'
import { totalCounts } from './gates/total.ts'

const root = dirname(import.meta.dirname)
const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('--'))
const unknown = named.filter((name) => !steps.some((step) => step.id === name))
if (unknown.length > 0) {
  console.error(`unknown step ${unknown.join(', ')}; there are: ${steps.map((step) => step.id).join(' ')}`)
  process.exit(2)
}
const chosen = steps.filter(
  (step) => (named.length === 0 || named.includes(step.id)) && !(args.includes('--gates-only') && step.id === 'tests'),
)

const results: (readonly [title: string, result: StepResult, seconds: string])[] = []
for (const [index, step] of chosen.entries()) {
  console.log(`[${index + 1}/${chosen.length}] ${step.title}`)
  const started = performance.now()
  const result = await step.run(root).catch((error: unknown): StepResult => ({ outcome: 'failed', reason: String(error) }))
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `[${index + 1}/${chosen.length}] ${step.title}: ${result.outcome} in ${seconds} s${result.reason === undefined ? '' : `, ${result.reason}`}\n`,
  )
  results.push([step.title, result, seconds])
}

for (const [title, { outcome, counts }, seconds] of results) {
  const detail = counts === undefined ? '' : `  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
  console.log(`  ${outcome.padEnd(8)} ${seconds.padStart(6)} s  ${title}${detail}`)
}
const { passed, failed, skipped } = totalCounts(results.map(([, result]) => result))
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
