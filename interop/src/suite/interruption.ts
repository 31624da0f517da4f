/** The exit status of a program that SIGINT ended. */
export const INTERRUPTED_STATUS = 130

/** A terminal sends Ctrl-C to all of its processes and `npm run` passes it on: what comes this soon is the same one. */
const SAME_INTERRUPTION_MS = 1_000

/** Aborts on the first signal, so that worlds are torn down and the report is written; the second one ends the program at once. */
export function interruptionSignal(log: (line: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  let first = 0
  const interrupt = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      first = performance.now()
      log(`${name}: tearing down what runs; once more to leave it and go`)
      controller.abort()
    } else if (performance.now() - first > SAME_INTERRUPTION_MS) process.exit(INTERRUPTED_STATUS)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, interrupt)
  return {
    signal: controller.signal,
    release(): void {
      for (const name of names) process.off(name, interrupt)
    },
  }
}
