import { glob } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Benchmark, measure } from './benchmark.ts'

const json = process.argv.includes('--json')
const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const root = resolve(import.meta.dirname, '..')

const benchmarks: Benchmark[] = []
for await (const file of glob('packages/*/bench/*.bench.ts', { cwd: root })) {
  const module = (await import(pathToFileURL(resolve(root, file)).href)) as { readonly benchmarks: readonly Benchmark[] }
  benchmarks.push(...module.benchmarks.filter(({ name }) => only.length === 0 || only.includes(name)))
}
benchmarks.sort((a, b) => (a.name < b.name ? -1 : 1))

if (!json) console.log('ratio = time of the raw node:crypto operations / time of the whole operation, in turn, one process')
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
process.exitCode = missed === 0 ? 0 : 1
