// node_modules/.bin/node --conditions=wimse-source scripts/error-docs.ts            writes docs/errors.md
// node_modules/.bin/node --conditions=wimse-source scripts/error-docs.ts --check    says whether it is current
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorPage } from './gates/error-page.ts'
import { readCatalogue } from './gates/requirement-catalogue.ts'

const root = dirname(import.meta.dirname)
const path = join(root, 'docs/errors.md')
const page = errorPage(readCatalogue(root))
if (!process.argv.includes('--check')) writeFileSync(path, page)
else if (!existsSync(path) || readFileSync(path, 'utf8') !== page) {
  console.error('docs/errors.md is not what the error table gives; scripts/error-docs.ts makes it anew')
  process.exitCode = 1
}
