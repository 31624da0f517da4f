import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The Go module that pins SPIRE. */
export const PINNED_MODULE: string = join(import.meta.dirname, '..', '..', 'spire')

/** `bridged`: the WIT half comes from our WIT agent. `native`: the SPIRE agent serves WIT-SVIDs itself. */
export type WitMode = 'bridged' | 'native'

/** The version that interop/spire/go.mod requires, for example `1.15.3`. */
export async function readPinnedVersion(): Promise<string> {
  return parsePinnedVersion(await readFile(join(PINNED_MODULE, 'go.mod'), 'utf8'))
}

export function parsePinnedVersion(goMod: string): string {
  const version = /^(?:require)?\s*github\.com\/spiffe\/spire v(\S+)/m.exec(goMod)?.[1]
  if (version === undefined) throw new Error('interop/spire/go.mod requires no SPIRE')
  return version
}

/** What a binary says of itself. Builds from source add a suffix (`1.15.3-dev-unk`), which is left out. */
export async function readBinaryVersion(binary: string): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(binary, ['--version'], { timeout: 10_000 })
    return parseBinaryVersion(`${stdout}\n${stderr}`)
  } catch {
    return undefined
  }
}

export function parseBinaryVersion(output: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+)/m.exec(output)?.[1]
}

/** SPIRE mints WIT-SVIDs since 1.15. */
export function isUsableVersion(version: string): boolean {
  return compareToMinor(version, 1, 15) >= 0
}

/** SPIRE's agent serves the WIT profile of the Workload API since 1.16. */
export function witModeOf(version: string): WitMode {
  return compareToMinor(version, 1, 16) >= 0 ? 'native' : 'bridged'
}

function compareToMinor(version: string, major: number, minor: number): number {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor === major ? ownMinor - minor : ownMajor - major
}
