import { readFile } from 'node:fs/promises'
import { type ProcessOptions, type RunningProcess, startProcess } from '../spire/running-process.ts'
import { NotRun } from '../suite/check.ts'
import type { RunningProgram } from './stage.ts'

/** A process as a program of a world: it may be killed and started again. */
export interface ProcessProgram extends Omit<RunningProgram, 'control'> {
  /** Ends it for good. */
  stop(): Promise<void>
}

/** Starts a process as a program of a world. */
export async function startProcessProgram(executable: string, args: readonly string[], options: ProcessOptions): Promise<ProcessProgram> {
  const begin = (): Promise<RunningProcess> => startProcess(executable, args, options)
  let current = await begin()
  return {
    log: current.log,
    assertAlive: () => current.assertAlive(),
    kill: () => current.kill(),
    async start() {
      await current.kill()
      current = await begin()
    },
    pause: async () => current.pause(),
    resume: async () => current.resume(),
    async residentBytes() {
      if (process.platform !== 'linux') throw new NotRun('this platform does not tell what a process takes', 'run it on Linux')
      return residentBytesIn(await readFile(`/proc/${current.pid}/status`, 'utf8'))
    },
    stop: () => current.stop(),
  }
}

/** `VmRSS` of `/proc/…/status`. */
export function residentBytesIn(status: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error('a process status without VmRSS')
  return Number(kibibytes) * 1024
}
