import { acquireSpire } from '../spire/acquire-spire.ts'
import { createUidSequence } from '../spire/process-slots.ts'
import type { Driver } from './driver.ts'
import { openProcessStage } from './process-stage.ts'
import { planOf } from './sample-world.ts'
import { startSpireWorld } from './spire-world.ts'

/** SPIRE and the workloads as processes, attested by their user or the path of their program. */
export function createProcessDriver(): Driver {
  const uids = createUidSequence()
  let acquired: Awaited<ReturnType<typeof acquireSpire>> | undefined
  return {
    name: 'process',
    async availability(log) {
      if (process.platform !== 'linux') return { available: false, reason: 'SPIRE attests processes on Linux', how: 'run it on Linux' }
      acquired = await acquireSpire({ progress: log })
      if (acquired.kind === 'binaries') return { available: true }
      return acquired.kind === 'none'
        ? { available: false, reason: acquired.reason, how: acquired.remedy }
        : { available: false, reason: 'there are images of SPIRE and no binaries', how: 'set WIMSE_SPIRE_BIN to a directory with both' }
    },
    async start(name, log, _signal, options) {
      if (acquired?.kind !== 'binaries') throw new Error('the driver is not available')
      const { binaries, version, how } = acquired
      return startSpireWorld(
        await openProcessStage({ binaries, spire: { version, how: `binaries, ${how}` }, uids }),
        name,
        planOf(name, options),
        log,
      )
    },
  }
}
