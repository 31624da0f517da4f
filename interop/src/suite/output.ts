/** Where the suite prints to, which remembers what it printed: one check reads it. */
export interface Output {
  line(text: string): void
  printed(): string
}

export function createOutput(write: (text: string) => void): Output {
  const lines: string[] = []
  return {
    line(text): void {
      lines.push(text)
      write(`${text}\n`)
    },
    printed: () => lines.join('\n'),
  }
}
