import { readFile } from 'node:fs/promises'
import type { RunningProcess } from '../spire/running-process.ts'
import { NotRun } from '../suite/check.ts'
import type { RunningProgram } from './stage.ts'

/** A process as a program of a world. */
export function programOf({ pid, log, assertAlive }: RunningProcess): Omit<RunningProgram, 'control'> {
  return {
    log,
    assertAlive,
    async residentBytes() {
      if (process.platform !== 'linux') throw new NotRun('this platform does not tell what a process takes', 'run it on Linux')
      return residentBytesIn(await readFile(`/proc/${pid}/status`, 'utf8'))
    },
  }
}

/** `VmRSS` of `/proc/…/status`. */
export function residentBytesIn(status: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error('a process status without VmRSS')
  return Number(kibibytes) * 1024
}
