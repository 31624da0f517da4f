import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** How a step ended. `counts` is there when the step is made of tests of its own. */
export interface StepResult {
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped or failed, in a line. */
  readonly reason?: string
  readonly counts?: StepCounts
}

/** Numbers of tests. */
export interface StepCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** One gate of the repository. */
export interface Step {
  readonly id: string
  readonly title: string
  run(root: string): Promise<StepResult>
}

/** Options of {@link runCommands}. */
export interface CommandOptions {
  /** Shows the output while the command runs; else it is shown when the command fails. */
  readonly live?: boolean
  /** Shows nothing at all. */
  readonly quiet?: boolean
}

const PRINTED_LINES = 200

/** Runs commands one after another, to the first that fails. */
export async function runCommands(
  root: string,
  commands: readonly (readonly string[])[],
  options: CommandOptions = {},
): Promise<StepResult> {
  for (const [program = '', ...args] of commands) {
    const { status, output } = await runCommand(root, program, args, options)
    if (status === 0) continue
    if (output !== '' && options.quiet !== true) console.log(lastLines(output))
    return { outcome: 'failed', reason: `${program} ${args.join(' ')} ended with ${status ?? 'a signal'}` }
  }
  return { outcome: 'passed' }
}

function runCommand(
  root: string,
  program: string,
  args: readonly string[],
  { live = false }: CommandOptions,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...(live ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }) }
    const child = spawn(program, args, {
      cwd: root,
      env,
      stdio: live ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    const parts: Buffer[] = []
    child.stdout?.on('data', (part: Buffer) => parts.push(part))
    child.stderr?.on('data', (part: Buffer) => parts.push(part))
    child.on('error', (error) => resolve({ status: 127, output: error.message }))
    child.on('close', (status) => resolve({ status, output: Buffer.concat(parts).toString() }))
  })
}

function lastLines(output: string): string {
  const lines = output.trimEnd().split('\n')
  const cut = lines.length - PRINTED_LINES
  return (cut > 0 ? [`… ${cut} lines before`, ...lines.slice(cut)] : lines).map((line) => `    ${line}`).join('\n')
}

/** Tasks that turbo runs side by side. */
export const taskConcurrency: string = String(Math.max(2, availableParallelism()))
