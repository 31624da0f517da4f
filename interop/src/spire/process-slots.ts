import { chmod, chown, copyFile, link, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
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
  await link(source, target).catch(() => copyFile(source, target))
  await chmod(target, 0o755)
  return target
}

export interface SlotOptions {
  /** The domain's directory for slots. */
  readonly directory: string
  readonly workloadApi: string
  readonly uids: UidSequence
  /** Whether this process may start others as another user. */
  readonly isRoot: boolean
}

/** Makes a slot for a workload: a user of its own for root, else an executable of its own. */
export async function createProcessSlot(name: string, { directory, workloadApi, uids, isRoot }: SlotOptions): Promise<ProcessSlot> {
  const home = join(directory, name)
  await mkdir(home, { recursive: true, mode: 0o700 })
  const slot = { kind: 'process', name, workloadApi, directory: home } as const
  if (isRoot) {
    const uid = uids.next()
    await chown(home, uid, uid)
    return { ...slot, uid, gid: uid, nodePath: process.execPath, selectors: [`unix:uid:${uid}`] }
  }
  const nodePath = await shareExecutable(process.execPath, join(home, 'node'))
  return { ...slot, nodePath, selectors: [`unix:path:${nodePath}`] }
}
