import { dirname } from 'node:path'
import { checkCitations } from './gates/requirement-citations.ts'

const problems = checkCitations(dirname(import.meta.dirname))
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
