import type { Driver } from '../world/driver.ts'
import type { Check } from './check.ts'
import { chooseDrivers } from './choose-drivers.ts'
import { type Command, HELP, parseCommandLine } from './command-line.ts'
import { describeFailure } from './describe-failure.ts'
import type { ExpectedFailure } from './expected-failures.ts'
import { INTERRUPTED_STATUS } from './interruption.ts'
import { closingLine, formatMatrix, matrixOf, tally } from './matrix.ts'
import type { Output } from './output.ts'
import { createReport, exitStatusOf, type Report } from './report.ts'
import { runSuite } from './run-suite.ts'
import { describeFinding } from './secret-scan.ts'
import { selectChecks, unknownChecks } from './select-checks.ts'
import { writeReport } from './write-report.ts'

/** Everything that a run needs. */
export interface Interop {
  readonly args: readonly string[]
  readonly checks: readonly Check[]
  readonly drivers: readonly Driver[]
  readonly expectedFailures: readonly ExpectedFailure[]
  readonly reportDirectory: string
  readonly output: Output
  readonly complain: (message: string) => void
  readonly signal: AbortSignal
}

/** Does what the command line says. @returns the exit status */
export async function interop(setup: Interop): Promise<number> {
  const { output, checks, complain } = setup
  const command = parseCommandLine(setup.args)
  if (command.name === 'help') {
    output.line(HELP.trimEnd())
    return 0
  }
  const stray = command.name === 'wrong' ? [] : unknownChecks(checks, command.selection)
  if (command.name === 'wrong' || stray.length > 0) {
    const message = command.name === 'wrong' ? command.message : `--check ${JSON.stringify(stray[0])} names no check; --list shows them`
    complain(`${message}\n"npm run interop -- --help" explains the options`)
    return 2
  }
  const selected = selectChecks(checks, command.selection)
  if (selected.length === 0) {
    complain('no check is in that scenario; --list shows them')
    return 2
  }
  if (command.name === 'run') return run(setup, command, selected)
  for (const { id, kind, title } of selected) output.line(`${id}  ${kind}: ${title}`)
  return 0
}

async function run(setup: Interop, command: Extract<Command, { name: 'run' | 'list' }>, checks: readonly Check[]): Promise<number> {
  const { output, signal, expectedFailures, reportDirectory } = setup
  const startedAt = new Date()
  const started = performance.now()
  const log = (line: string): void => output.line(line)
  const drivers = await chooseDrivers(setup.drivers, command.drivers, log)
  const outcome = await runSuite({ drivers, checks, expectedFailures, signal, log, printed: output.printed })
  const runtime = `Node ${process.versions.node} on ${process.platform} ${process.arch}`
  const report = createReport({ drivers, outcome, startedAt, durationMs: performance.now() - started, runtime })

  output.line('')
  for (const line of formatMatrix(matrixOf(report.checks))) output.line(line)
  output.line('')
  const faults = [...report.faults, ...(await store(report, reportDirectory, log))]
  for (const fault of faults) output.line(`fault: ${fault}`)
  output.line(closingLine(tally(report.checks)))
  return signal.aborted ? INTERRUPTED_STATUS : exitStatusOf({ checks: report.checks, faults })
}

async function store(report: Report, directory: string, log: (line: string) => void): Promise<readonly string[]> {
  try {
    const findings = await writeReport(report, directory)
    if (findings.length > 0) return findings.map((finding) => `the report held a secret and was removed: ${describeFinding(finding)}`)
    log(`report: ${directory}/latest.html and latest.json`)
    return []
  } catch (failure) {
    return [`the report was not written: ${describeFailure(failure)}`]
  }
}
