import { glob } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Benchmark, measure } from './benchmark.ts'
import { formatLoad, type LoadBenchmark, measureLoad, reachesGoals } from './load-benchmark.ts'
import { formatRuns, measureRuns, type RunBenchmark } from './run-benchmark.ts'

const json = process.argv.includes('--json')
const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const root = resolve(import.meta.dirname, '..')

/** What a file may export: single operations, services under load, runs of several processes. */
interface BenchModule {
  readonly benchmarks?: readonly Benchmark[]
  readonly loads?: readonly LoadBenchmark[]
  readonly runs?: readonly RunBenchmark[]
}

const wanted = ({ name }: { readonly name: string }): boolean => only.length === 0 || only.includes(name)
const benchmarks: Benchmark[] = []
const loads: LoadBenchmark[] = []
const runs: RunBenchmark[] = []
for await (const file of glob('{packages,apps}/*/bench/*.bench.ts', { cwd: root })) {
  const module = (await import(pathToFileURL(resolve(root, file)).href)) as BenchModule
  benchmarks.push(...(module.benchmarks ?? []).filter(wanted))
  loads.push(...(module.loads ?? []).filter(wanted))
  runs.push(...(module.runs ?? []).filter(wanted))
}
benchmarks.sort((a, b) => (a.name < b.name ? -1 : 1))

if (!json && benchmarks.length > 0) {
  console.log('ratio = time of the raw node:crypto operations / time of the whole operation, in turn, one process')
}
let missed = 0
for (const benchmark of benchmarks) {
  const { name, ratio, goal, rawMicroseconds, subjectMicroseconds } = await measure(benchmark)
  if (ratio < goal) missed += 1
  if (json) console.log(JSON.stringify({ name, ratio: Number(ratio.toFixed(3)), goal }))
  else {
    const verdict = ratio >= goal ? 'reached' : 'missed'
    const times = `${rawMicroseconds.toFixed(1)} µs raw, ${subjectMicroseconds.toFixed(1)} µs whole`
    console.log(`${name.padEnd(32)} ${ratio.toFixed(2)}  goal ${goal.toFixed(2)} ${verdict}  (${times})`)
  }
}

if (!json && loads.length > 0) {
  console.log(
    'share = requests per second of the service / those that one core could answer if it did their public-key operations and nothing else',
  )
}
for (const { goals, start } of loads) {
  const subject = await start()
  try {
    for (const kind of subject.kinds) {
      const result = await measureLoad(subject, kind)
      if (!reachesGoals(result, goals)) missed += 1
      console.log(json ? JSON.stringify({ ...result, goals }) : formatLoad(result, goals))
    }
  } finally {
    await subject.close()
  }
}

if (!json && runs.length > 0)
  console.log('share = rate of whole runs with proofs / rate of the same without them, in turn, in the same processes')
for (const benchmark of runs) {
  const { name, goal } = benchmark
  const missing = await benchmark.missing()
  if (missing !== undefined) {
    console.log(json ? JSON.stringify({ name, goal, notRun: missing }) : `${name.padEnd(32)} not run: ${missing}`)
    continue
  }
  const result = await measureRuns(benchmark)
  if (result.ratio < goal) missed += 1
  console.log(json ? JSON.stringify({ name, ratio: Number(result.ratio.toFixed(3)), goal }) : formatRuns(benchmark, result))
}
process.exitCode = missed === 0 ? 0 : 1
