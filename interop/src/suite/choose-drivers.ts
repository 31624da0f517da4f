import type { Availability, Driver } from '../world/driver.ts'
import type { DriverName } from './check.ts'
import { describeFailure } from './describe-failure.ts'
import type { ChosenDriver } from './run-suite.ts'

/**
 * The drivers that were asked for; else `docker` and `process`, and `embedded` as well where neither of them can run. Those that can't
 * run are among them, so that the report shows what was not run.
 */
export async function chooseDrivers(
  drivers: readonly Driver[],
  asked: readonly DriverName[],
  log: (line: string) => void,
): Promise<readonly ChosenDriver[]> {
  if (asked.length > 0)
    return examine(
      drivers.filter(({ name }) => asked.includes(name)),
      log,
    )
  const real = await examine(
    drivers.filter(({ name }) => name !== 'embedded'),
    log,
  )
  if (real.some(({ availability }) => availability.available)) return real
  log('neither docker nor process can run here: the embedded authority stands in')
  return [
    ...real,
    ...(await examine(
      drivers.filter(({ name }) => name === 'embedded'),
      log,
    )),
  ]
}

async function examine(drivers: readonly Driver[], log: (line: string) => void): Promise<readonly ChosenDriver[]> {
  const chosen: ChosenDriver[] = []
  for (const driver of drivers) {
    const availability = await availabilityOf(driver, log)
    if (!availability.available) log(`${driver.name} can't run here: ${availability.reason}. How to get it: ${availability.how}`)
    chosen.push({ driver, availability })
  }
  return chosen
}

async function availabilityOf(driver: Driver, log: (line: string) => void): Promise<Availability> {
  try {
    return await driver.availability((line) => log(`${driver.name}: ${line}`))
  } catch (failure) {
    return { available: false, reason: `looking for it failed: ${describeFailure(failure)}`, how: 'see the reason' }
  }
}
