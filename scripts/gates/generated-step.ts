import { runCommands, type StepResult } from './step.ts'

/** Compares generated files with what their sources give now; skipped on a platform for which the generator has no binary. */
export async function checkGenerated(root: string, command: readonly string[]): Promise<StepResult> {
  const generator = await runCommands(root, [['buf', '--version']], { quiet: true })
  if (generator.outcome === 'failed') return { outcome: 'skipped', reason: '@bufbuild/buf has no binary for this platform' }
  return runCommands(root, [command])
}
