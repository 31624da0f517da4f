import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isWimseError, parseStrictJson } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { decodeWitAgentConfig, formatFault, type WitAgentConfig } from './config/wit-agent-config.ts'
import { describeFailure, jsonLinesLog } from './log/operator-log.ts'
import { startWitAgent } from './wit-agent.ts'

const USAGE = `Serves WIT-SVIDs for a SPIRE whose agent serves none.

Usage: node apps/wit-agent/src/main.ts --config FILE [--check]

  --config FILE  the configuration, JSON (see apps/wit-agent/README.md)
  --check        read the configuration, name its faults, and stop
  --help         show this text

Events go to standard error, one JSON object a line.
Exit status: 0 after SIGINT or SIGTERM, 1 when the agent can not run, 2 for a wrong call or configuration.
`

/** Thrown away with the process: what is wrong with the call, line by line. */
class UsageError extends Error {}

async function readConfig(path: string): Promise<WitAgentConfig> {
  const octets = await readFile(path).catch(() => {
    throw new UsageError('--config: the file can not be read')
  })
  const { config, faults } = decodeWitAgentConfig(parseDocument(octets))
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
  const log = jsonLinesLog((line) => process.stderr.write(line), runtime)
  const stopped = Promise.withResolvers<number>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(0))
  const agent = await startWitAgent(config, { log, runtime })
  // An address that can't be had is no passing trouble: whoever started the agent has to know.
  agent.ready().catch(() => stopped.resolve(1))
  const status = await stopped.promise
  await agent.close()
  log.event('agent.stopped')
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
