import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { PINNED_MODULE } from './spire-version.ts'

export interface BuildOptions {
  readonly version: string
  /** Directory that the two binaries shall be in. */
  readonly target: string
  readonly progress: (line: string) => void
}

const PROGRESS_INTERVAL_MS = 15_000
const BUILD_TIMEOUT_MS = 45 * 60_000

/** Builds the pinned module, static on Linux so that the binaries also run `FROM scratch`. Returns why it failed. */
export async function buildSpire({ version, target, progress }: BuildOptions): Promise<string | undefined> {
  await mkdir(dirname(target), { recursive: true })
  // Built beside and renamed: a build that was cut off leaves nothing that looks like a SPIRE.
  const fresh = await mkdtemp(`${target}.`)
  const started = performance.now()
  let packages = 0
  let lastLine = ''
  const report = (): void => {
    const elapsed = Math.round((performance.now() - started) / 1000)
    progress(`building SPIRE ${version}: ${packages} packages compiled, ${elapsed} s (up to 8 minutes on two cores)`)
  }
  const timer = setInterval(report, PROGRESS_INTERVAL_MS)
  try {
    report()
    const build = spawn('go', goBuildArguments(fresh, process.platform), {
      cwd: PINNED_MODULE,
      env: { ...process.env, CGO_ENABLED: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
      // Not `timeout`: its timer outlives a program that could not be started.
      signal: AbortSignal.timeout(BUILD_TIMEOUT_MS),
    })
    createInterface({ input: build.stderr }).on('line', (line) => {
      packages += 1
      lastLine = line
    })
    const [exitCode] = await once(build, 'close')
    if (exitCode !== 0) return `go build of SPIRE ${version} failed: ${lastLine}`
    await rm(target, { recursive: true, force: true })
    await rename(fresh, target)
    progress(`built SPIRE ${version} in ${Math.round((performance.now() - started) / 1000)} s`)
    return undefined
  } catch (failure) {
    return `SPIRE can not be built here: ${failure instanceof Error ? failure.message : String(failure)}`
  } finally {
    clearInterval(timer)
    await rm(fresh, { recursive: true, force: true })
  }
}

/** `-v` names each package on a line of its own: that is the progress. */
export function goBuildArguments(outputDirectory: string, platform: string): readonly string[] {
  const linkerFlags = platform === 'linux' ? '-s -w -linkmode external -extldflags "-static"' : '-s -w'
  return [
    'build',
    '-v',
    '-trimpath',
    '-ldflags',
    linkerFlags,
    '-tags',
    'netgo osusergo sqlite_omit_load_extension',
    '-o',
    join(outputDirectory, '/'),
    'github.com/spiffe/spire/cmd/spire-server',
    'github.com/spiffe/spire/cmd/spire-agent',
  ]
}
