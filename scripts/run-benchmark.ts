import { median } from './load-figures.ts'

/** A whole run of several processes with what the project adds, and the same run without it. */
export interface RunBenchmark {
  readonly name: string
  /** The smallest share of the rate without it that the project promises. */
  readonly goal: number
  /** Why it can't run here, if it can't. */
  missing(): Promise<string | undefined>
  start(): Promise<RunSubject>
}

/** What is measured. */
export interface RunSubject {
  /** One run. @returns its rate, per second */
  run(kind: 'with' | 'without'): Promise<number>
  close(): Promise<void>
}

/** What was measured. */
export interface RunResult {
  /** Rate with over rate without, of each pair of runs. */
  readonly ratios: readonly number[]
  readonly ratio: number
  /** Per second. */
  readonly withRate: number
  readonly withoutRate: number
}

const PAIRS = 11

/** Runs both in turn, in the same processes, after a run of each that warms them up. Figures are medians. */
export async function measureRuns(benchmark: RunBenchmark): Promise<RunResult> {
  const subject = await benchmark.start()
  try {
    const pair = async (): Promise<{ readonly withRate: number; readonly withoutRate: number }> => ({
      withoutRate: await subject.run('without'),
      withRate: await subject.run('with'),
    })
    await pair()
    const pairs: Awaited<ReturnType<typeof pair>>[] = []
    for (let index = 0; index < PAIRS; index += 1) pairs.push(await pair())
    const ratios = pairs.map(({ withRate, withoutRate }) => withRate / withoutRate)
    return {
      ratios,
      ratio: median(ratios),
      withRate: median(pairs.map(({ withRate }) => withRate)),
      withoutRate: median(pairs.map(({ withoutRate }) => withoutRate)),
    }
  } finally {
    await subject.close()
  }
}

/** A result in a line. */
export function formatRuns({ name, goal }: RunBenchmark, { ratio, ratios, withRate, withoutRate }: RunResult): string {
  const verdict = ratio >= goal ? 'reached' : 'missed'
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} in ${ratios.length} pairs`
  const rates = `${Math.round(withRate)}/s with, ${Math.round(withoutRate)}/s without`
  return `${name.padEnd(32)} ${ratio.toFixed(2)}  goal ${goal.toFixed(2)} ${verdict}  (${rates}; ${range})`
}
