/** The lines of a log that are objects in JSON; programs print others as well when they end badly. */
export function linesOf<T extends object>(log: string): readonly T[] {
  return log.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      return [JSON.parse(line) as T]
    } catch {
      // The last line may still be written.
      return []
    }
  })
}
