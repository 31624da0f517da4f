import { acquireSpire } from '../spire/acquire-spire.ts'
import { type ContainerEngine, findContainerEngine } from '../spire/container-engine.ts'
import { provideImages, type SuiteImages } from '../spire/container-images.ts'
import { removeLeftovers } from '../spire/leftovers.ts'
import { openDockerStage } from './docker-stage.ts'
import type { Driver } from './driver.ts'
import { planOf } from './sample-world.ts'
import { startSpireWorld } from './spire-world.ts'
import type { Stage } from './stage.ts'

interface Prepared {
  readonly engine: ContainerEngine
  readonly images: SuiteImages
  readonly spire: Stage['environment']['spire']
}

/** SPIRE and the workloads in containers, attested by their labels. */
export function createDockerDriver(): Driver {
  let prepared: Prepared | undefined
  return {
    name: 'docker',
    async availability(log) {
      const engine = await findContainerEngine()
      if ('unavailable' in engine) return { available: false, reason: engine.unavailable, how: engine.remedy }
      const spire = await acquireSpire({ engine, progress: log })
      const removed = await removeLeftovers(engine)
      if (removed > 0) log(`removed ${removed} containers and networks that an ended run left behind`)
      if (spire.kind === 'none') return { available: false, reason: spire.reason, how: spire.remedy }
      const images = await provideImages(engine, spire, log)
      prepared = { engine, images, spire: { version: spire.version, how: `${spire.kind}, ${spire.how}` } }
      return { available: true }
    },
    async start(name, log, _signal, options) {
      if (prepared === undefined) throw new Error('the driver is not available')
      return startSpireWorld(await openDockerStage(prepared), name, planOf(name, options), log)
    },
  }
}
