import { dirname } from 'node:path'
import { checkImportGraph } from './gates/import-graph.ts'

const problems = checkImportGraph(dirname(import.meta.dirname))
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
