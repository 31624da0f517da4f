import { glob } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Benchmark, measure } from './benchmark.ts'
import { formatLoad, type LoadBenchmark, measureLoad, reachesGoals } from './load-benchmark.ts'

const json = process.argv.includes('--json')
const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const root = resolve(import.meta.dirname, '..')

/** What a file may export: single operations, services under load. */
interface BenchModule {
  readonly benchmarks?: readonly Benchmark[]
  readonly loads?: readonly LoadBenchmark[]
}

const wanted = ({ name }: { readonly name: string }): boolean => only.length === 0 || only.includes(name)
const benchmarks: Benchmark[] = []
const loads: LoadBenchmark[] = []
for await (const file of glob('{packages,apps}/*/bench/*.bench.ts', { cwd: root })) {
  const module = (await import(pathToFileURL(resolve(root, file)).href)) as BenchModule
  benchmarks.push(...(module.benchmarks ?? []).filter(wanted))
  loads.push(...(module.loads ?? []).filter(wanted))
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
process.exitCode = missed === 0 ? 0 : 1
