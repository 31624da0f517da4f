import type { Check, DriverName, WorldName } from '../../src/suite/check.ts'
import type { Driver } from '../../src/world/driver.ts'
import type { World } from '../../src/world/world.ts'

/** What a fake driver did, in order. It tests the runner; no product runs in it. */
export interface FakeDriver extends Driver {
  readonly events: string[]
}

export interface FakeDriverOptions {
  readonly name?: DriverName
  readonly unavailable?: { readonly reason: string; readonly how: string }
  readonly start?: (name: WorldName, signal: AbortSignal) => Promise<void>
  readonly stop?: () => Promise<void>
  readonly logs?: string
  readonly stored?: string
}

export function fakeDriver(options: FakeDriverOptions = {}): FakeDriver {
  const { name = 'process', unavailable } = options
  const events: string[] = []
  return {
    name,
    events,
    availability: async () => (unavailable ? { available: false, ...unavailable } : { available: true }),
    async start(worldName, _log, signal) {
      events.push(`start ${worldName}`)
      await options.start?.(worldName, signal)
      return fakeWorld(name, worldName, events, options)
    },
    async close() {
      events.push('close')
    },
  }
}

function fakeWorld(driver: DriverName, name: WorldName, events: string[], options: FakeDriverOptions): World {
  const absent = (): never => {
    throw new Error('not in a fake world')
  }
  return {
    driver,
    name,
    environment: {
      spire: { version: '0.0.0', mode: 'embedded', how: 'none' },
      containerEngine: null,
      images: [],
      runtime: 'test',
    },
    get trustDomains() {
      return absent()
    },
    workload: absent,
    logs: async () => [{ name: 'log', text: options.logs ?? 'a line' }],
    stored: async () => [{ name: 'file', text: options.stored ?? '' }],
    async stop() {
      events.push(`stop ${name}`)
      await options.stop?.()
    },
  }
}

export function fakeCheck(id: string, check: Partial<Check> = {}): Check {
  return { id, title: id, scenario: 'single-hop', kind: 'positive', requirements: [], run: async () => ({}), ...check }
}
