import { describeFailure } from '../suite/describe-failure.ts'
import { interruptionSignal } from '../suite/interruption.ts'
import { drivers } from '../world/drivers.ts'
import { HELP, parseShopCommandLine, type ShopCommand } from './command-line.ts'
import { runErrand } from './run-errand.ts'

// Who reads along may leave (`… | head`): what runs is torn down all the same.
process.stdout.on('error', () => undefined)
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const BRIEF_TTL_SECONDS = 12
const complain = (line: string): void => void process.stderr.write(`${line}\n`)

async function walk({ errand, driver: name }: Extract<ShopCommand, { name: 'walk' }>, signal: AbortSignal): Promise<void> {
  const driver = drivers.find((each) => each.name === name)
  if (driver === undefined) throw new Error(`there is no driver ${name}`)
  const availability = await driver.availability(print)
  if (!availability.available) throw new Error(`${name} can't run here: ${availability.reason}; ${availability.how}`)
  const started = performance.now()
  print(`Starting the shop (${name}) …`)
  // Whoever waits for an end waits for a short one; SPIRE's shortest is a minute.
  const brief = errand.later !== undefined && name === 'embedded' ? { briefTtlSeconds: BRIEF_TTL_SECONDS } : {}
  const world = await driver.start('shop', (line) => print(`  ${line}`), signal, { servicesOnly: true, ...brief })
  try {
    print(`Ready after ${((performance.now() - started) / 1000).toFixed(1)} s.\n`)
    if (world.shop === undefined) throw new Error('this world has no shop')
    signal.throwIfAborted()
    await runErrand(world.shop, errand, print)
  } finally {
    await world.stop()
    await driver.close?.()
  }
}

const command = parseShopCommandLine(process.argv.slice(2))
if (command.name === 'help') print(HELP.trimEnd())
else if (command.name === 'wrong') {
  complain(`${command.message}\n"npm run shop -- --help" explains the options`)
  process.exitCode = 2
} else {
  const { signal, release } = interruptionSignal(print)
  try {
    await walk(command, signal)
  } catch (failure) {
    complain(`not done: ${describeFailure(failure)}`)
    process.exitCode = 1
  }
  release()
}
// What a library has left open does not hold the command up.
setTimeout(() => process.exit(), 5_000).unref()
