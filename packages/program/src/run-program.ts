import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isWimseError, parseStrictJson, type Runtime } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { batchLines } from './batched-lines.ts'
import { type Decoded, formatFault } from './decode.ts'
import { describeFailure, jsonLinesLog, type OperatorLog } from './operator-log.ts'

/** A program that runs until it is told to stop. */
export interface Program<Config> {
  /** What `--help` shows. */
  readonly usage: string
  decode(document: unknown): Decoded<Config>
  /** Starts it; resolves with how it is ended. */
  start(config: Config, parts: ProgramParts): Promise<() => Promise<void>>
}

/** What a program is started with. */
export interface ProgramParts {
  /** One JSON object a line on standard error, written once for each turn of the event loop. */
  readonly log: OperatorLog
  readonly runtime: Runtime
  /** Ends the program by itself, with this exit status. */
  readonly stop: (status: number) => void
}

/** Thrown away with the process: what is wrong with the call, line by line. */
class UsageError extends Error {}

/**
 * Is the main of a program that takes `--config FILE`, `--check` and `--help`, and sets the exit status: 0 after SIGINT or SIGTERM, 1 when it can't run, 2
 * for a wrong call or configuration, all of whose faults are named.
 */
export async function runProgram<Config>(program: Program<Config>): Promise<void> {
  try {
    process.exitCode = await run(program)
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
}

async function run<Config>({ usage, decode, start }: Program<Config>): Promise<number> {
  const args = readArguments()
  if (args.help === true) {
    process.stdout.write(usage)
    return 0
  }
  if (args.config === undefined) throw new UsageError(`--config is missing\n\n${usage}`)
  const { config, faults } = decode(await readDocument(args.config))
  if (config === undefined) throw new UsageError(faults.map(formatFault).join('\n'))
  if (args.check === true) return 0

  const runtime = defaultRuntime()
  const lines = batchLines((text) => process.stderr.write(text), setImmediate)
  // Whatever ends the process, no event of it is lost.
  process.on('exit', lines.flush)
  const stopped = Promise.withResolvers<number>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(0))
  const end = await start(config, { log: jsonLinesLog(lines.write, runtime), runtime, stop: stopped.resolve })
  const status = await stopped.promise
  await end()
  return status
}

async function readDocument(path: string): Promise<unknown> {
  const octets = await readFile(path).catch(() => {
    throw new UsageError('--config: the file can not be read')
  })
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
