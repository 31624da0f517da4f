/** Lines that are written together. */
export interface BatchedLines {
  write(line: string): void
  /** Writes what is there now. */
  flush(): void
}

/**
 * Collects the lines of one turn of the event loop and writes them in one piece: under load many requests end in the same turn, and a write to a
 * pipe costs each of them more than making its line. `later` is told to call back after the turn; `setImmediate` does.
 */
export function batchLines(write: (lines: string) => void, later: (flush: () => void) => unknown): BatchedLines {
  let waiting = ''
  const flush = (): void => {
    const lines = waiting
    waiting = ''
    if (lines !== '') write(lines)
  }
  return {
    write(line) {
      if (waiting === '') later(flush)
      waiting += line
    },
    flush,
  }
}
