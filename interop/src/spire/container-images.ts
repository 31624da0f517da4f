import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findNatsServer } from '@wimse/message-nats/testing'
import { GenericContainer } from 'testcontainers'
import type { AcquiredSpire } from './acquire-spire.ts'
import type { ContainerEngine } from './container-engine.ts'
import { SetupError } from './setup-error.ts'

/** What the docker driver runs, and where it came from. */
export interface SuiteImages {
  readonly server: string
  readonly agent: string
  /** Runs `node` with the arguments of its command. */
  readonly node: string
  /** The broker; absent where neither a registry nor a binary gives one. */
  readonly nats?: string
  readonly origin: { readonly spire: ImageOrigin; readonly node: ImageOrigin; readonly nats?: ImageOrigin }
}

type ImageOrigin = 'official image' | 'built FROM scratch from local binaries'

/** Where the official images hold the binaries, and ours too. */
export const SERVER_IN_IMAGE = '/opt/spire/bin/spire-server'
export const AGENT_IN_IMAGE = '/opt/spire/bin/spire-agent'
export const NATS_IN_IMAGE = '/nats-server'

const OFFICIAL_NATS = 'docker.io/library/nats:2'
const OFFICIAL_NODE = `docker.io/library/node:${process.versions.node}-bookworm-slim`

/** Official images where SPIRE came as such, else images built on the spot; the latter are built once per content. */
export async function provideImages(
  engine: ContainerEngine,
  spire: Exclude<AcquiredSpire, { kind: 'none' }>,
  progress: (line: string) => void = () => {},
): Promise<SuiteImages> {
  const [programs, broker] = [await provideSpire(engine, spire, progress), await provideNats(engine, progress)]
  return { ...programs, ...broker, origin: { ...programs.origin, ...broker.origin } }
}

const SCRATCH = 'built FROM scratch from local binaries'

async function provideSpire(
  engine: ContainerEngine,
  spire: Exclude<AcquiredSpire, { kind: 'none' }>,
  progress: (line: string) => void,
): Promise<Omit<SuiteImages, 'nats'>> {
  if (spire.kind === 'images' && (await engine.pull(OFFICIAL_NODE, progress)) === undefined) {
    return { ...spire.images, node: OFFICIAL_NODE, origin: { spire: 'official image', node: 'official image' } }
  }
  const node = await buildImage(engine, 'wimse/node', await linkedImage(process.execPath, '/usr/local/bin/node'), progress)
  if (spire.kind === 'images') return { ...spire.images, node, origin: { spire: 'official image', node: SCRATCH } }
  const spireImage = (binary: string, path: string): ImageContent => ({
    entrypoint: [path, 'run'],
    files: [{ source: binary, target: path, mode: 0o755 }],
    texts: accounts,
  })
  return {
    server: await buildImage(engine, 'wimse/spire-server', spireImage(spire.binaries.server, SERVER_IN_IMAGE), progress),
    agent: await buildImage(engine, 'wimse/spire-agent', spireImage(spire.binaries.agent, AGENT_IN_IMAGE), progress),
    node,
    origin: { spire: SCRATCH, node: SCRATCH },
  }
}

async function provideNats(
  engine: ContainerEngine,
  progress: (line: string) => void,
): Promise<{ readonly nats?: string; readonly origin: { readonly nats?: ImageOrigin } }> {
  if ((await engine.pull(OFFICIAL_NATS, progress)) === undefined) return { nats: OFFICIAL_NATS, origin: { nats: 'official image' } }
  const found = await findNatsServer()
  if (!('binary' in found)) return { origin: {} }
  const nats = await buildImage(engine, 'wimse/nats', await linkedImage(found.binary, NATS_IN_IMAGE), progress)
  return { nats, origin: { nats: SCRATCH } }
}

interface ImageContent {
  readonly entrypoint: readonly string[]
  readonly files: readonly { readonly source: string; readonly target: string; readonly mode: number }[]
  readonly texts: Readonly<Record<string, string>>
}

const accounts: ImageContent['texts'] = {
  '/etc/passwd': 'root:x:0:0:root:/:/sbin/nologin\nworkload:x:10001:10001:workload:/tmp:/sbin/nologin\n',
  '/etc/group': 'root:x:0:\nworkload:x:10001:\n',
  '/etc/nsswitch.conf': 'hosts: files dns\n',
}

/** A program with the libraries that it is linked to; one that is linked to none has them in itself. */
async function linkedImage(binary: string, target: string): Promise<ImageContent> {
  // It exits with 1 for a program without libraries.
  const linked = await promisify(execFile)('ldd', [binary]).then(
    ({ stdout }) => parseLdd(stdout),
    () => [],
  )
  const libraryDirectory = dirname(linked.find((path) => basename(path).startsWith('libc.so')) ?? '/lib/libc.so.6')
  // Loaded by name at run time to resolve host names, so that ldd does not see them.
  const resolvers = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].map((name) => join(libraryDirectory, name))
  const present = await Promise.all(
    resolvers.map((path) =>
      access(path).then(
        () => [path],
        () => [],
      ),
    ),
  )
  const libraries = [...new Set([...linked, ...present.flat()])]
  return {
    entrypoint: [target],
    files: [{ source: binary, target, mode: 0o755 }, ...libraries.map((path) => ({ source: path, target: path, mode: 0o755 }))],
    texts: accounts,
  }
}

/** The files that `ldd` names, the loader included. */
export function parseLdd(output: string): readonly string[] {
  return output.split('\n').flatMap((line) => /(?:=>\s+|^\s+)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? [])
}

/** Builds `repository:<hash of the content>` unless the engine has it, and returns its name. */
async function buildImage(
  engine: ContainerEngine,
  repository: string,
  content: ImageContent,
  progress: (line: string) => void,
): Promise<string> {
  const dockerfile = `FROM scratch\nCOPY root/ /\nENTRYPOINT ${JSON.stringify(content.entrypoint)}\n`
  const image = `${repository}:${await hashContent(dockerfile, content)}`
  if (await engine.hasImage(image)) return image
  progress(`building the image ${image}`)
  const context = await mkdtemp(join(tmpdir(), 'wimse-image-'))
  try {
    const root = join(context, 'root')
    await mkdir(join(root, 'tmp'), { recursive: true })
    await chmod(join(root, 'tmp'), 0o1777)
    for (const { source, target, mode } of content.files) {
      await mkdir(dirname(join(root, target)), { recursive: true })
      await copyFile(source, join(root, target))
      await chmod(join(root, target), mode)
    }
    for (const [target, text] of Object.entries(content.texts)) {
      await mkdir(dirname(join(root, target)), { recursive: true })
      await writeFile(join(root, target), text)
    }
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await GenericContainer.fromDockerfile(context).build(image, { deleteOnExit: false })
    return image
  } catch (cause) {
    throw new SetupError('command-failed', `the image ${image} can not be built`, cause)
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

async function hashContent(dockerfile: string, { files, texts }: ImageContent): Promise<string> {
  const hash = createHash('sha256').update(dockerfile).update(JSON.stringify(texts))
  for (const { source, target, mode } of files) {
    hash.update(`\0${target}\0${mode}\0`)
    for await (const chunk of createReadStream(source)) hash.update(chunk)
  }
  return hash.digest('hex').slice(0, 16)
}
