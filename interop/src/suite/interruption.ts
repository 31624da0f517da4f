/** The exit status of a program that SIGINT ended. */
export const INTERRUPTED_STATUS = 130

/** Aborts on the first signal, so that worlds are torn down and the report is written; the second one ends the program at once. */
export function interruptionSignal(log: (line: string) => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_STATUS)
    log(`${name}: tearing down what runs; once more to leave it and go`)
    controller.abort()
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
