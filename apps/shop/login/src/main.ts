import { isWimseError } from '@wimse/core'
import { readLoginConfig } from './login-config.ts'

const print = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`)
}

// The provider's library talks to the console, from when it is loaded; the log is lines of JSON.
for (const level of ['info', 'warn'] as const) console[level] = (text: unknown) => print('provider.notice', { text: String(text) })

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))

try {
  const [path, ...others] = process.argv.slice(2)
  if (path === undefined || others.length > 0) throw new TypeError('usage: main.ts CONFIG')
  const config = await readLoginConfig(path)
  const { startLogin } = await import('./start-login.ts')
  await startLogin(config, print)
} catch (error) {
  const name = error instanceof Error ? error.name : 'unknown'
  print('service.failed', isWimseError(error) ? { code: error.code, detail: error.detail } : { code: name })
  process.exitCode = 1
}
