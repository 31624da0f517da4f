import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SpireBinaries } from '../spire/acquire-spire.ts'
import { findFreePorts } from '../spire/free-port.ts'
import { type ProcessSpireDomain, startProcessDomain } from '../spire/process-domain.ts'
import type { UidSequence } from '../spire/process-slots.ts'
import type { SpireDomain } from '../spire/spire-domain.ts'
import { startLocalBroker } from './broker.ts'
import { startProcessProgram } from './process-program.ts'
import type { Stage } from './stage.ts'

const LOOPBACK = '127.0.0.1'
const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** Options of {@link openProcessStage}. */
export interface ProcessStageOptions {
  readonly binaries: SpireBinaries
  readonly spire: Stage['environment']['spire']
  readonly uids: UidSequence
}

/** Everything as processes of this machine, on loopback, under temporary directories. */
export async function openProcessStage({ binaries, spire, uids }: ProcessStageOptions): Promise<Stage> {
  const base = await mkdtemp(join(tmpdir(), 'wimse-'))
  await chmod(base, 0o711)
  const domains = new Map<SpireDomain, ProcessSpireDomain>()
  const processes: { stop(): Promise<void> }[] = []
  const slotOf = (domain: SpireDomain, name: string): ReturnType<ProcessSpireDomain['slot']> => {
    const own = domains.get(domain)
    if (own === undefined) throw new Error('a domain of another stage')
    return own.slot(name)
  }
  return {
    driver: 'process',
    environment: { spire, containerEngine: null, images: [] },
    async startDomain(options) {
      const domain = await startProcessDomain({ ...options, binaries, uids })
      domains.set(domain, domain)
      return domain
    },
    async place(domain, name) {
      const directory = join(base, `${name}.${domain.trustDomain}`)
      await mkdir(directory, { mode: 0o711 })
      const [first = 0, second = 0, control = 0] = await findFreePorts(3)
      return { host: LOOPBACK, listen: LOOPBACK, ports: { first, second, control }, directory, outside: directory }
    },
    async admit(domain, name) {
      const { selectors, workloadApi } = await slotOf(domain, name)
      return { selectors, workloadApi }
    },
    async run(domain, { script, args, place }, slot) {
      const { executable, uid, gid } = slot === undefined ? { executable: process.execPath } : await slotOf(domain, slot)
      const user = uid === undefined || gid === undefined ? {} : { uid, gid }
      if (uid !== undefined && gid !== undefined) await chown(place.directory, uid, gid)
      const program = await startProcessProgram(executable, ['--conditions=wimse-source', join(REPOSITORY, script), ...args], {
        logPath: join(base, `${slot ?? script.split('/')[1]}.${domain.trustDomain}.log`),
        ...user,
      })
      processes.push(program)
      return { ...program, control: `http://${LOOPBACK}:${place.ports.control}` }
    },
    async startBroker() {
      const broker = await startLocalBroker()
      if (!('missing' in broker)) processes.push(broker)
      return broker
    },
    addresses: (hosts) => Object.fromEntries(hosts.map((host) => [host, LOOPBACK])),
    async stop() {
      await Promise.all(processes.map((running) => running.stop()))
      await Promise.all([...domains.keys()].map((domain) => domain.stop()))
      await rm(base, { recursive: true, force: true })
    },
  }
}
