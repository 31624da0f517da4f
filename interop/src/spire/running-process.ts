import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from './setup-error.ts'

export interface ProcessOptions {
  /** Standard output and error are appended here. */
  readonly logPath: string
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  readonly gid?: number
}

/** A process of ours: its output goes to a file, and it ends no later than we do. */
export interface RunningProcess {
  readonly pid: number
  log(): Promise<string>
  /** Throws `exited`, with the last lines of the log, when the process has ended by itself. */
  assertAlive(): Promise<void>
  /** Asks it to end, insists after five seconds, and returns when it is gone. */
  stop(): Promise<void>
  /** Ends it without a goodbye, and returns when it is gone. */
  kill(): Promise<void>
  /** Stops it where it stands: connections stay, answers don't come. */
  pause(): void
  resume(): void
}

const STOP_GRACE_MS = 5_000

export async function startProcess(
  executable: string,
  args: readonly string[],
  { logPath, env = {}, ...user }: ProcessOptions,
): Promise<RunningProcess> {
  const logFile = openSync(logPath, 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn(executable, args, {
      stdio: ['ignore', logFile, logFile],
      env: { PATH: process.env['PATH'] ?? '', ...env },
      ...user,
    })
    await once(child, 'spawn')
  } catch (cause) {
    throw new SetupError('command-failed', `${executable} does not start`, cause)
  } finally {
    closeSync(logFile)
  }
  const { pid } = child
  if (pid === undefined) throw new SetupError('command-failed', `${executable} does not start`)
  const ended = once(child, 'exit')
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  endWithUs(child)

  return {
    pid,
    log: () => readFile(logPath, 'utf8'),
    assertAlive: async () => {
      if (!hasEnded()) return
      const tail = (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-5).join('\n')
      throw new SetupError('exited', `${executable} ended by itself:\n${tail}`)
    },
    stop: async () => {
      if (hasEnded()) return
      child.kill('SIGTERM')
      // One that is paused would never hear of it.
      child.kill('SIGCONT')
      const grace = new AbortController()
      const insist = sleep(STOP_GRACE_MS, undefined, { signal: grace.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      )
      await ended
      grace.abort()
      await insist
    },
    kill: async () => {
      if (hasEnded()) return
      child.kill('SIGKILL')
      await ended
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

const children = new Set<ChildProcess>()

function killChildren(): void {
  for (const child of children) child.kill('SIGKILL')
}

// One listener for all of them: Node warns of a leak when an event has more than ten.
function endWithUs(child: ChildProcess): void {
  if (children.size === 0) process.once('exit', killChildren)
  children.add(child)
  child.once('exit', () => {
    children.delete(child)
    if (children.size === 0) process.off('exit', killChildren)
  })
}
