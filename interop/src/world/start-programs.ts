import { SetupError } from '../spire/setup-error.ts'
import { waitUntil } from '../spire/wait-until.ts'
import type { WorkloadConfig } from '../workload/workload-config.ts'
import { controlClient } from './control-client.ts'
import type { SampleWorkload, WorldPlan } from './sample-world.ts'
import { serviceConfig } from './service-config.ts'
import type { SampleService } from './shop-services.ts'
import { isAlive, type RunningProgram } from './stage.ts'
import { startBounded } from './start-bounded.ts'
import type { ControlledWorkload, ServiceName, WorkloadName } from './world.ts'

/** Where a driver has put a program: what it has to be told, and how it is started. */
export interface PlacedProgram {
  /** The address to listen at. */
  readonly listen: string
  readonly port: number
  readonly controlPort: number
  readonly workloadApi: string
  readonly wit: WorkloadConfig['wit']
  readonly witBundles: WorkloadConfig['witBundles']
  /** Writes a file where the program can read it. @returns its path as the program sees it */
  write(name: string, text: string): Promise<string>
  run(script: string, args: readonly string[], reach: 'control' | 'first' | undefined): Promise<RunningProgram>
  /** Takes away what it is registered as, and gives it back. */
  unregister(): Promise<void>
  register(): Promise<void>
}

/** What programs need of a driver. */
export interface ProgramHost {
  /** Makes room for a program, and has it registered. */
  place(program: SampleWorkload | SampleService): Promise<PlacedProgram>
  /** Addresses of host names, where no resolver knows them. */
  addresses(hosts: readonly string[]): WorkloadConfig['addresses']
}

export interface StartedService {
  readonly service: SampleService
  readonly origin: string
  readonly program: RunningProgram
  /** Starts it again, after it was killed, and returns when it is ready. */
  again(): Promise<void>
  readonly place: Pick<PlacedProgram, 'register' | 'unregister'>
}

/** The programs of a world, each ready. */
export interface StartedPrograms {
  readonly controls: ReadonlyMap<WorkloadName, ControlledWorkload>
  readonly services: ReadonlyMap<ServiceName, StartedService>
  /** What each of them has printed. */
  readonly logs: () => Promise<readonly { readonly name: string; readonly text: string }[]>
}

const READY_TIMEOUT_MS = 60_000
/** Each takes about a second of a processor to start. */
const STARTS_AT_A_TIME = 6
const CONTROL_SCRIPT = 'interop/src/workload/main.ts'

interface Placed<T> {
  readonly program: T
  readonly place: PlacedProgram
  /** Absent for what serves nothing. */
  readonly origin: string | undefined
}

/** What everybody is told of everybody. */
interface Directory {
  /** `https://name` → `https://name:port`. */
  readonly origins: ReadonlyMap<string, string>
  readonly peers: WorkloadConfig['peers']
  readonly addresses: WorkloadConfig['addresses']
}

/**
 * Places every program of a plan, writes their configurations, starts them, and returns when all are ready.
 *
 * @param broker `nats://…`; without one the services that need it are left out
 */
export async function startPrograms(plan: WorldPlan, host: ProgramHost, broker?: string): Promise<StartedPrograms> {
  const due = plan.services.filter(({ needsBroker = false }) => broker !== undefined || !needsBroker)
  const [services, workloads] = await Promise.all([placeAll(due, host), placeAll(plan.workloads, host)])
  const directory = directoryOf([...services, ...workloads], host)
  const started: { readonly name: string; readonly log: () => Promise<string> }[] = []
  const note = (name: string, { log }: RunningProgram): void => void started.push({ name, log })
  const controls = new Map<WorkloadName, ControlledWorkload>()
  const running = new Map<ServiceName, StartedService>()
  const starts = [
    ...services.map((placed) => async (): Promise<void> => {
      running.set(placed.program.name, await startService(placed, directory, { plan, broker, note }))
    }),
    ...workloads.map((placed) => async (): Promise<void> => {
      controls.set(placed.program.name, await startControl(placed, directory, plan, note))
    }),
  ]
  await startBounded(starts, STARTS_AT_A_TIME, (start) => start())
  return {
    controls,
    services: running,
    logs: () => Promise.all(started.map(async ({ name, log }) => ({ name, text: await log() }))),
  }
}

function placeAll<T extends SampleWorkload | SampleService>(programs: readonly T[], host: ProgramHost): Promise<readonly Placed<T>[]> {
  return Promise.all(
    programs.map(async (program) => {
      const place = await host.place(program)
      return { program, place, origin: program.host && `https://${program.host}:${place.port}` }
    }),
  )
}

function directoryOf(placed: readonly Placed<SampleWorkload | SampleService>[], host: ProgramHost): Directory {
  const served = placed.flatMap(({ program: { host: name, identifier }, origin }) =>
    name === undefined || identifier === undefined || origin === undefined ? [] : [{ name, identifier, origin }],
  )
  return {
    origins: new Map(served.map(({ name, origin }) => [`https://${name}`, origin])),
    peers: Object.fromEntries(served.map(({ origin, identifier }) => [origin, identifier])),
    addresses: host.addresses(served.map(({ name }) => name)),
  }
}

type Note = (name: string, program: RunningProgram) => void

async function startControl(
  { program: workload, place, origin }: Placed<SampleWorkload>,
  { peers, addresses }: Directory,
  plan: WorldPlan,
  note: Note,
): Promise<ControlledWorkload> {
  const { name, allow = [] } = workload
  const { listen: host, port, workloadApi, wit, witBundles } = place
  const config: WorkloadConfig = {
    name,
    workloadApi,
    wit,
    witBundles,
    algorithm: plan.algorithm,
    peers,
    ...(addresses && { addresses }),
    ...(origin && { serve: { host, port, origin, allow } }),
    control: { host, port: place.controlPort },
  }
  const path = await place.write('workload.json', JSON.stringify(config))
  const program = await place.run(CONTROL_SCRIPT, [path], 'control')
  note(name, program)
  const control = controlClient(name, program.control, origin)
  const isReady = async (): Promise<boolean> => isUp(await control.status(), workload, plan)
  await awaitReady(name, program, isReady)
  return control
}

/** Everybody has the anchors of every trust domain before the first check begins; the unregistered one only has to answer. */
function isUp(status: Awaited<ReturnType<ControlledWorkload['status']>>, { identifier }: SampleWorkload, plan: WorldPlan): boolean {
  if (identifier === undefined) return true
  const complete = status.trustDomains.filter(({ kinds }) => ['x509', 'jwt', 'wit'].every((kind) => kinds.includes(kind)))
  return status.ready && complete.length === plan.trustDomains.length
}

async function startService(
  { program: service, place, origin = '' }: Placed<SampleService>,
  { origins, addresses }: Directory,
  { plan: { algorithm }, broker, note }: { readonly plan: WorldPlan; readonly broker: string | undefined; readonly note: Note },
): Promise<StartedService> {
  const { listen: host, port, workloadApi, wit, witBundles } = place
  const where = { listen: { host, port }, workloadApi, wit, witBundles, algorithm, origins, addresses, broker }
  const path = await place.write(`${service.name}.json`, await serviceConfig(service, where))
  const args = service.kind === 'token-service' ? ['--config', path] : [path]
  const program = await place.run(service.script, args, service.published ? 'first' : undefined)
  note(service.name, program)
  let starts = 1
  const isReady = async (): Promise<boolean> => (await program.log()).split('"event":"service.ready"').length > starts
  await awaitReady(service.name, program, isReady)
  const again = async (): Promise<void> => {
    if (await isAlive(program)) return
    // One that was killed before it was ready has said so once less.
    starts = (await program.log()).split('"event":"service.ready"').length
    await program.start()
    await awaitReady(service.name, program, isReady)
  }
  return { service, origin, program, again, place }
}

/** Waits for a program; when it doesn't come up, its last line says more than the time that has passed. */
async function awaitReady(name: string, program: RunningProgram, isReady: () => Promise<boolean>): Promise<void> {
  try {
    await waitUntil(name, isReady, { timeoutMs: READY_TIMEOUT_MS, intervalMs: 200, abandon: program.assertAlive })
  } catch (cause) {
    const last = (await program.log()).trimEnd().split('\n').at(-1)
    throw new SetupError(
      cause instanceof SetupError ? cause.code : 'timeout',
      `${name} is not ready, and last said: ${last || 'nothing'}`,
      cause,
    )
  }
}
