import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommands, type StepCounts, type StepResult } from './step.ts'

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

/** Counts tests; a file that could not even be loaded counts as one failed test. */
export function countTests(report: VitestReport): StepCounts {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** Runs every test and counts them. */
export async function runTests(root: string): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), 'wimse-tests-'))
  const file = join(folder, 'vitest.json')
  try {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { outcome } = await runCommands(root, [['vitest', ...args]], { live: true })
    return { outcome, counts: countTests(JSON.parse(readFileSync(file, 'utf8')) as VitestReport) }
  } catch (error) {
    return { outcome: 'failed', reason: `vitest left no report: ${error instanceof Error ? error.message : 'unknown'}` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
