import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { collectGarbage } from './benchmark.ts'
import { type KeyOperations, limitPerSecond, median, percentile, type RawMicroseconds, rawMicrosecondsOf } from './load-figures.ts'
import { measureLatencies, measureRate, type PreparedCall } from './load-generator.ts'

/** A service under load: how much of what cryptography alone would allow it reaches, and how fast it answers at half of its maximum. */
export interface LoadBenchmark {
  readonly name: string
  readonly goals: LoadGoals
  /** Starts the service in a process of its own. */
  start(): Promise<LoadSubject>
}

/** What the project promises of each kind of request. */
export interface LoadGoals {
  /** Of the limit, at least. */
  readonly share: number
  /** Milliseconds at half of the maximum, below this. */
  readonly p99Ms: number
}

/** A service that runs. */
export interface LoadSubject {
  readonly kinds: readonly LoadKind[]
  /** Processor time that the service has taken so far, in microseconds. */
  processorTime(): Promise<number>
  close(): Promise<void>
}

/** One kind of request. */
export interface LoadKind {
  readonly name: string
  readonly operations: KeyOperations
  /** Makes requests of which each can be sent once. */
  prepare(count: number): Promise<readonly PreparedCall[]>
}

/** What was measured of one kind of request. */
export interface LoadResult {
  readonly name: string
  readonly operations: KeyOperations
  readonly raw: RawMicroseconds
  /** Requests per second. */
  readonly limit: number
  readonly maximum: number
  /** The maximum as a part of the limit. */
  readonly share: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Microseconds of processor time of the service for each request at its maximum, all of its threads together. */
  readonly processorMicroseconds: number
  /** How much of one core this process took meanwhile: the service was the bottleneck where this is well below 1. */
  readonly clientLoad: number
}

const CONCURRENCY = 32
/**
 * Batches before the first that counts, until V8 has compiled what it will: it does so for what was called some thousands of times, on threads of
 * its own, of which there are more than a small machine has cores. One after the other, since connections that rest for long are closed.
 */
const WARM_UPS = 5
const BATCHES = 3
const BATCH = 2500
const PACED_SECONDS = 4
/** However fast a machine is: requests at a fixed rate. */
const PACED_AT_MOST = 20_000

/**
 * Measures one kind of request. After a warm-up some batches go out as fast as the service answers, over 32 connections: the maximum is the median
 * of their rates. Then requests at half of that rate, evenly spaced, for the latencies. Cryptography alone is measured before and after,
 * while the service rests. What preparing the requests has left in this process is collected before they are sent, as in the other benchmarks.
 */
export async function measureLoad(subject: LoadSubject, { name, operations, prepare: make }: LoadKind): Promise<LoadResult> {
  const prepare = async (count: number): Promise<readonly PreparedCall[]> => {
    const calls = await make(count)
    collectGarbage('major')
    return calls
  }
  const before = rawMicroseconds()
  for (let batch = 0; batch < WARM_UPS; batch += 1) await measureRate(await prepare(BATCH), CONCURRENCY)
  const batches: { readonly rate: number; readonly processor: number; readonly client: number }[] = []
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const calls = await prepare(BATCH)
    const service = await subject.processorTime()
    const client = process.cpuUsage()
    const rate = await measureRate(calls, CONCURRENCY)
    const own = process.cpuUsage(client)
    batches.push({
      rate,
      processor: ((await subject.processorTime()) - service) / BATCH,
      client: ((own.user + own.system) / 1_000_000) * (rate / BATCH),
    })
  }
  const maximum = median(batches.map(({ rate }) => rate))
  const paced = await prepare(Math.min(PACED_AT_MOST, Math.ceil((maximum / 2) * PACED_SECONDS)))
  const latencies = await measureLatencies(paced, maximum / 2)
  const after = rawMicroseconds()
  const raw = {
    verification: (before.verification + after.verification) / 2,
    signature: (before.signature + after.signature) / 2,
  }
  const limit = limitPerSecond(operations, raw)
  return {
    name,
    operations,
    raw,
    limit,
    maximum,
    share: maximum / limit,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    processorMicroseconds: median(batches.map(({ processor }) => processor)),
    clientLoad: median(batches.map(({ client }) => client)),
  }
}

/** Whether a result is what was promised. */
export function reachesGoals({ share, p99Ms }: Pick<LoadResult, 'share' | 'p99Ms'>, goals: LoadGoals): boolean {
  return share >= goals.share && p99Ms < goals.p99Ms
}

/** A result in two lines: what the machine could do and what the service does, side by side. */
export function formatLoad(result: LoadResult, goals: LoadGoals): string {
  const { name, operations, raw, limit, maximum, share, p50Ms, p99Ms } = result
  const shareVerdict = share >= goals.share ? 'reached' : 'missed'
  const timeVerdict = p99Ms < goals.p99Ms ? 'reached' : 'missed'
  return [
    `${name.padEnd(32)} ${share.toFixed(2)}  goal ${goals.share.toFixed(2)} ${shareVerdict}  (maximum ${Math.round(maximum)}/s, limit ${Math.round(limit)}/s:` +
      ` ${operations.verifications} verifications of ${raw.verification.toFixed(1)} µs and ${operations.signatures} signature of ${raw.signature.toFixed(1)} µs` +
      ` are ${rawMicrosecondsOf(operations, raw).toFixed(0)} µs a request)`,
    `${''.padEnd(32)} p99 ${p99Ms.toFixed(1)} ms  goal ${goals.p99Ms} ms ${timeVerdict}  (p50 ${p50Ms.toFixed(1)} ms, at ${Math.round(maximum / 2)}/s;` +
      ` at the maximum ${Math.round(result.processorMicroseconds)} µs of the service's processor time a request, client at ${Math.round(result.clientLoad * 100)} % of a core)`,
  ].join('\n')
}

const RAW_ROUNDS = 15
const RAW_BATCH = 100

/** What ES256 of node:crypto takes now, by the median of some rounds. */
function rawMicroseconds(): RawMicroseconds {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const data = Buffer.alloc(500, 1)
  const signing = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  const verifying = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  const signature = sign('sha256', data, signing)
  const timeOf = (operation: () => unknown): number => {
    const rounds: number[] = []
    for (let round = 0; round < RAW_ROUNDS; round += 1) {
      const start = performance.now()
      for (let index = 0; index < RAW_BATCH; index += 1) operation()
      rounds.push(((performance.now() - start) * 1000) / RAW_BATCH)
    }
    return median(rounds)
  }
  return {
    verification: timeOf(() => verify('sha256', data, verifying, signature)),
    signature: timeOf(() => sign('sha256', data, signing)),
  }
}
