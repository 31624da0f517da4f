const MAX_REASON_CHARACTERS = 600

/** A failure as one line: its message and those of its causes. */
export function describeFailure(failure: unknown): string {
  const parts: string[] = []
  for (let error = failure, depth = 0; error !== undefined && depth < 4; depth += 1) {
    parts.push(describeOne(error))
    error = error instanceof Error ? error.cause : undefined
  }
  const line = parts.join('; because ').replace(/\s+/g, ' ').trim()
  return line.length > MAX_REASON_CHARACTERS ? `${line.slice(0, MAX_REASON_CHARACTERS)}…` : line
}

function describeOne(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'something that is no error was thrown'
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return `${code}${error.message === '' ? error.name : error.message}`
}
