import { intendedAt } from './load-figures.ts'

/** Sends one request that was made beforehand. It rejects where the answer isn't the expected one, which ends the measurement. */
export type PreparedCall = () => Promise<void>

/** Milliseconds from an origin of its own, and a way to let some pass. */
export interface LoadClock {
  now(): number
  wait(milliseconds: number): Promise<void>
}

const systemClock: LoadClock = {
  now: () => performance.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
}

/**
 * Sends all of them, so many at a time, each as soon as one before is answered.
 *
 * @returns requests per second
 */
export async function measureRate(calls: readonly PreparedCall[], concurrency: number, clock: LoadClock = systemClock): Promise<number> {
  let next = 0
  const work = async (): Promise<void> => {
    for (;;) {
      const call = calls[next]
      next += 1
      if (call === undefined) return
      await call()
    }
  }
  const start = clock.now()
  await Promise.all(Array.from({ length: concurrency }, work))
  return (calls.length * 1000) / (clock.now() - start)
}

/**
 * Sends all of them at a fixed rate, whether or not those before are answered, as users do. A latency is from the time at which the request was
 * meant to be sent to its answer: what waits behind a slow one, in the service or in this process, counts as slow as well.
 *
 * @returns the latencies in milliseconds, in the order of the calls
 */
export async function measureLatencies(
  calls: readonly PreparedCall[],
  perSecond: number,
  clock: LoadClock = systemClock,
): Promise<readonly number[]> {
  const start = clock.now()
  const send = async (call: PreparedCall, intended: number): Promise<number> => {
    await call()
    return clock.now() - start - intended
  }
  const answers: Promise<number>[] = []
  for (const [index, call] of calls.entries()) {
    const intended = intendedAt(index, perSecond)
    while (clock.now() - start < intended) await clock.wait(1)
    const answer = send(call, intended)
    // Looked at below; one that fails before must not end the process.
    answer.catch(() => undefined)
    answers.push(answer)
  }
  return Promise.all(answers)
}
