import { join } from 'node:path'
import { allChecks } from './checks/all-checks.ts'
import { expectedFailures } from './suite/expected-failures.ts'
import { interop } from './suite/interop.ts'
import { interruptionSignal } from './suite/interruption.ts'
import { createOutput } from './suite/output.ts'
import { drivers } from './world/drivers.ts'

// Who reads along may leave (`… | head`): what runs is torn down all the same.
process.stdout.on('error', () => undefined)
const output = createOutput((text) => process.stdout.write(text))
const { signal, release } = interruptionSignal(output.line)
process.exitCode = await interop({
  args: process.argv.slice(2),
  checks: allChecks,
  drivers,
  expectedFailures,
  reportDirectory: join(import.meta.dirname, '../report'),
  output,
  complain: (message) => process.stderr.write(`${message}\n`),
  signal,
})
release()
// What a library has left open does not hold the command up.
setTimeout(() => process.exit(), 5_000).unref()
