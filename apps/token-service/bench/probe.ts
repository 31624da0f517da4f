// Loaded before the service, which it leaves as it is: tells the process that started it what the service takes.

/** What the probe tells. */
export interface ServiceFootprint {
  /** Octets of the heap after a collection of garbage, where the process was started with `--expose-gc`. */
  readonly heapUsed: number
  /** Processor time since the start, in microseconds, of all threads. */
  readonly processorTime: number
}

declare const gc: (() => void) | undefined

process.on('message', () => {
  if (typeof gc === 'function') gc()
  const { user, system } = process.cpuUsage()
  process.send?.({ heapUsed: process.memoryUsage().heapUsed, processorTime: user + system } satisfies ServiceFootprint)
})
// The service ends when it wants to.
process.channel?.unref()
