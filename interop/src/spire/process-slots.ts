import { chmod, chown, copyFile, link, mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ProcessSlot } from './workload-slot.ts'

// Beyond the users of any ordinary system, below the range of systemd's dynamic users.
const FIRST_UID = 58_000

/** Gives out users, so that two domains on one machine share none. */
export interface UidSequence {
  next(): number
}

export function createUidSequence(first: number = FIRST_UID): UidSequence {
  let upcoming = first
  return { next: () => upcoming++ }
}

/** Puts a copy of an executable, or a second name for it, where any user may start it. */
export async function shareExecutable(source: string, target: string): Promise<string> {
  try {
    // A second name has the mode of the first, which is not ours to change.
    if (((await stat(source)).mode & 0o005) !== 0o005) throw new Error('not for everybody')
    await link(source, target)
  } catch {
    await copyFile(source, target)
    await chmod(target, 0o755)
  }
  return target
}

/** Whether workloads can run as users of their own: this one is root, and any user reaches Node and these sources. */
export async function canSwitchUser(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  const needed = await Promise.all([process.execPath, import.meta.filename].map(isReadableByAnyone))
  return needed.every(Boolean)
}

/** Whether the file, and each directory above it, is open to users that it does not belong to. */
export async function isReadableByAnyone(file: string): Promise<boolean> {
  if (((await stat(file)).mode & 0o004) === 0) return false
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    if (((await stat(directory)).mode & 0o001) === 0) return false
    if (directory === dirname(directory)) return true
  }
}

export interface SlotOptions {
  /** The domain's directory for slots. */
  readonly directory: string
  readonly workloadApi: string
  readonly uids: UidSequence
  /** What the workload runs. Any user must be able to start it when workloads have users of their own. */
  readonly program: string
  /** See {@link canSwitchUser}. */
  readonly ownUsers: boolean
}

/** Makes a slot for a workload: a user of its own where that is possible, else an executable of its own. */
export async function createProcessSlot(
  name: string,
  { directory, workloadApi, program, uids, ownUsers }: SlotOptions,
): Promise<ProcessSlot> {
  const home = join(directory, name)
  await mkdir(home, { recursive: true, mode: 0o700 })
  const slot = { kind: 'process', name, workloadApi, directory: home } as const
  if (ownUsers) {
    const uid = uids.next()
    await chown(home, uid, uid)
    return { ...slot, uid, gid: uid, executable: program, selectors: [`unix:uid:${uid}`] }
  }
  const executable = await shareExecutable(program, join(home, basename(program)))
  return { ...slot, executable, selectors: [`unix:path:${executable}`] }
}
