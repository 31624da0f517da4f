import { checkGenerated } from './generated-step.ts'
import { runCommands, type Step, taskConcurrency } from './step.ts'
import { runTests } from './vitest-step.ts'

const node = (...script: string[]): string[] => [process.execPath, '--conditions=wimse-source', ...script]
const turbo = (task: string): string[] => [
  'turbo',
  'run',
  task,
  `--concurrency=${taskConcurrency}`,
  '--continue',
  '--output-logs=errors-only',
  '--no-daemon',
]

/** Everything that `npm test` runs, in order: what is quick and what others build on comes first. */
export const steps: readonly Step[] = [
  {
    id: 'format',
    title: 'formatter and linter',
    run: (root) => runCommands(root, [['biome', 'ci', '--colors=off', '--max-diagnostics=50', '.']]),
  },
  { id: 'build', title: 'build of every package', run: (root) => runCommands(root, [turbo('build'), ['tsc', '-b']]) },
  { id: 'types', title: 'types of sources, tests and scripts', run: (root) => runCommands(root, [['tsc', '-p', 'tsconfig.test.json']]) },
  { id: 'imports', title: 'import graph', run: (root) => runCommands(root, [node('scripts/import-graph.ts')]) },
  { id: 'requirements', title: 'requirement ids', run: (root) => runCommands(root, [node('scripts/check-requirements.ts')]) },
  { id: 'generated', title: 'generated files are current', run: (root) => checkGenerated(root, turbo('generate:check')) },
  {
    id: 'errors',
    title: 'page of the error codes is current',
    run: (root) => runCommands(root, [node('scripts/error-docs.ts', '--check')]),
  },
  { id: 'packages', title: 'published form of every package', run: (root) => runCommands(root, [turbo('check:package')]) },
  {
    id: 'unused',
    title: 'unused exports and dependencies',
    run: (root) => runCommands(root, [['knip', '--no-progress', '--no-config-hints']]),
  },
  { id: 'tests', title: 'tests', run: runTests },
]
