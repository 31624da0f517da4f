import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isWimseError, parseStrictJson } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { decodeTokenServiceConfig, formatFault, type TokenServiceConfig } from './config/token-service-config.ts'
import { batchLines } from './log/batched-lines.ts'
import { describeFailure, jsonLinesLog } from './log/operator-log.ts'
import { startTokenService } from './token-service.ts'

const USAGE = `The transaction token service of a trust domain.

Usage: node apps/token-service/src/main.ts --config FILE [--check]

  --config FILE  the configuration, JSON (see apps/token-service/README.md)
  --check        read the configuration, name its faults, and stop
  --help         show this text

Events go to standard error, one JSON object a line. SIGHUP reads the file with the keys again.
Exit status: 0 after SIGINT or SIGTERM, 1 when the service can not run, 2 for a wrong call or configuration.
`

/** Thrown away with the process: what is wrong with the call, line by line. */
class UsageError extends Error {}

async function readConfig(path: string): Promise<TokenServiceConfig> {
  const octets = await readFile(path).catch(() => {
    throw new UsageError('--config: the file can not be read')
  })
  const { config, faults } = decodeTokenServiceConfig(parseDocument(octets))
  if (config === undefined) throw new UsageError(faults.map(formatFault).join('\n'))
  return config
}

function parseDocument(octets: Uint8Array): unknown {
  try {
    return parseStrictJson(octets)
  } catch (error) {
    throw new UsageError(`--config: not strict JSON (${isWimseError(error) ? (error.detail ?? error.code) : 'unreadable'})`)
  }
}

function readArguments(): { readonly config?: string; readonly check?: boolean; readonly help?: boolean } {
  try {
    return parseArgs({ options: { config: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'arguments')
  }
}

async function main(): Promise<number> {
  const args = readArguments()
  if (args.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  if (args.config === undefined) throw new UsageError(`--config is missing\n\n${USAGE}`)
  const config = await readConfig(args.config)
  if (args.check === true) return 0

  const runtime = defaultRuntime()
  const lines = batchLines((text) => process.stderr.write(text), setImmediate)
  // Whatever ends the process, no event of it is lost.
  process.on('exit', lines.flush)
  const log = jsonLinesLog(lines.write, runtime)
  const stopped = Promise.withResolvers<number>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(0))
  const service = await startTokenService(config, { log, runtime })
  process.on('SIGHUP', () => void service.reloadKeys())
  const status = await stopped.promise
  await service.close()
  log.event('service.stopped')
  return status
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else {
    const { code, detail } = describeFailure(error)
    process.stderr.write(`${code}${detail === undefined ? '' : `: ${detail}`}\n`)
    process.exitCode = isWimseError(error, 'ERR_OPTIONS_INVALID') ? 2 : 1
  }
}
