import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buildSpire } from './build-spire.ts'
import type { ContainerEngine } from './container-engine.ts'
import { isUsableVersion, readBinaryVersion, readPinnedVersion } from './spire-version.ts'

export interface SpireBinaries {
  readonly server: string
  readonly agent: string
}

/** The SPIRE that a driver runs, where it came from, and, when there is none, why and what would help. */
export type AcquiredSpire =
  | {
      readonly kind: 'images'
      readonly version: string
      readonly images: { readonly server: string; readonly agent: string }
      readonly how: 'official images'
      readonly reason: string
    }
  | {
      readonly kind: 'binaries'
      readonly version: string
      readonly binaries: SpireBinaries
      readonly how: 'WIMSE_SPIRE_BIN' | 'cache' | 'PATH' | 'build'
      readonly reason: string
    }
  | { readonly kind: 'none'; readonly reason: string; readonly remedy: string }

export interface AcquireOptions {
  /** Where given and a registry answers, the official images are taken before any binary. */
  readonly engine?: ContainerEngine
  /** Gets a line now and then while something takes long. */
  readonly progress?: (line: string) => void
}

/** Finds a SPIRE: official images, binaries (`WIMSE_SPIRE_BIN`, the cache, `PATH`), a build of the pinned module. */
export async function acquireSpire({ engine, progress = () => {} }: AcquireOptions = {}): Promise<AcquiredSpire> {
  const pinned = await readPinnedVersion()
  const passedOver: string[] = []

  const images = engine && (await pullOfficialImages(engine, pinned, progress))
  if (images?.kind === 'images') return images
  if (images !== undefined) passedOver.push(images.reason)

  const cache = spireCache(pinned)
  const places = [
    { how: 'WIMSE_SPIRE_BIN', directories: splitPath(process.env['WIMSE_SPIRE_BIN']) },
    { how: 'cache', directories: [cache] },
    { how: 'PATH', directories: splitPath(process.env['PATH']) },
  ] as const
  for (const { how, directories } of places) {
    for (const directory of directories) {
      const found = await findBinaries(directory)
      if (found === undefined) continue
      if (isUsableVersion(found.version)) {
        return { kind: 'binaries', ...found, how, reason: passedOver.join('; ') || `found by ${how}` }
      }
      passedOver.push(`SPIRE ${found.version} by ${how} is older than 1.15`)
    }
  }

  const failure = await buildSpire({ version: pinned, target: cache, progress })
  const built = failure === undefined ? await findBinaries(cache) : undefined
  if (built !== undefined) return { kind: 'binaries', ...built, how: 'build', reason: passedOver.join('; ') || 'built' }
  return {
    kind: 'none',
    reason: [...passedOver, 'no binaries', failure ?? 'the built binaries do not run'].join('; '),
    remedy: `install Go and gcc, or point WIMSE_SPIRE_BIN at a directory with spire-server and spire-agent ${pinned}`,
  }
}

/** Where binaries of a version are kept between runs. */
function spireCache(version: string): string {
  const root = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  // In the names of Go, which those know who look for a SPIRE release.
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  return join(root, 'wimse', 'spire', `${version}-${process.platform}-${architecture}`)
}

async function pullOfficialImages(engine: ContainerEngine, version: string, progress: (line: string) => void): Promise<AcquiredSpire> {
  const images = { server: `ghcr.io/spiffe/spire-server:${version}`, agent: `ghcr.io/spiffe/spire-agent:${version}` }
  for (const image of [images.server, images.agent]) {
    const failure = await engine.pull(image, progress)
    if (failure !== undefined) return { kind: 'none', reason: failure, remedy: 'let the container engine reach ghcr.io' }
  }
  return { kind: 'images', version, images, how: 'official images', reason: 'the registry answers' }
}

async function findBinaries(directory: string): Promise<{ readonly binaries: SpireBinaries; readonly version: string } | undefined> {
  const binaries = { server: join(directory, 'spire-server'), agent: join(directory, 'spire-agent') }
  try {
    await Promise.all([access(binaries.server, constants.X_OK), access(binaries.agent, constants.X_OK)])
  } catch {
    return undefined
  }
  const version = await readBinaryVersion(binaries.server)
  return version === undefined ? undefined : { binaries, version }
}

function splitPath(path: string | undefined): readonly string[] {
  return (path ?? '').split(delimiter).filter((directory) => directory !== '')
}
