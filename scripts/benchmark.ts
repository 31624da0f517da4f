import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One figure of `npm run bench`: how much of the raw rate of cryptography a whole operation reaches. */
export interface Benchmark {
  readonly name: string
  /** The smallest ratio that the project promises. */
  readonly goal: number
  prepare(): Promise<BenchmarkSubject>
}

/** What is measured: both run in turn, in one process, with the same key. */
export interface BenchmarkSubject {
  /** One raw operation of node:crypto. */
  raw(): unknown
  /** One whole operation; it throws when its result isn't the expected one. */
  subject(): unknown
  /** Raw operations that one whole operation can't do without; 1 unless told. */
  readonly rawPerSubject?: number
  /**
   * Makes what the next `count` whole operations work on, outside of the time that is measured: as in a service, where a request was read
   * from its socket a moment ago, and unlike a run over megabytes that were laid out beforehand.
   */
  prepareBatch?(count: number): Promise<void>
}

/** The measured figure. */
export interface BenchmarkResult {
  readonly name: string
  readonly ratio: number
  readonly goal: number
  readonly rawMicroseconds: number
  readonly subjectMicroseconds: number
}

const ROUNDS = 15
const BATCHES = 5
const BATCH = 200

/**
 * Measures one benchmark: in each round both run in turn, some milliseconds at a time, so that a drift of the machine's speed falls on both
 * alike; the figure is the median over the rounds of the time of the raw operations divided by the time of the whole one.
 */
export async function measure(benchmark: Benchmark): Promise<BenchmarkResult> {
  const { raw, subject, rawPerSubject = 1, prepareBatch } = await benchmark.prepare()
  const round = async (): Promise<{ readonly raw: number; readonly subject: number }> => {
    let rawTime = 0
    let subjectTime = 0
    for (let batch = 0; batch < BATCHES; batch += 1) {
      if (prepareBatch !== undefined) {
        await prepareBatch(BATCH)
        collectGarbage('minor')
      }
      rawTime += await timeOf(raw)
      subjectTime += await timeOf(subject)
    }
    return { raw: rawTime / (BATCHES * BATCH), subject: subjectTime / (BATCHES * BATCH) }
  }
  await round()
  const rounds: { readonly raw: number; readonly subject: number }[] = []
  for (let index = 0; index < ROUNDS; index += 1) rounds.push(await round())
  return {
    name: benchmark.name,
    ratio: median(rounds.map((times) => (times.raw * rawPerSubject) / times.subject)),
    goal: benchmark.goal,
    rawMicroseconds: median(rounds.map((times) => times.raw)),
    subjectMicroseconds: median(rounds.map((times) => times.subject)),
  }
}

/** Takes away what preparing a measurement has left, so that it isn't charged to what is measured. */
export function collectGarbage(type: 'minor' | 'major'): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect({ type })
}

/** Microseconds that a batch takes. */
async function timeOf(operation: () => unknown): Promise<number> {
  const start = performance.now()
  for (let index = 0; index < BATCH; index += 1) {
    const result = operation()
    if (result instanceof Promise) await result
  }
  return (performance.now() - start) * 1000
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
