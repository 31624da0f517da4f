// Generates src/generated of the package that it is run in from proto/; with --check it only says whether that is current.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packageRoot = process.cwd()
const check = process.argv.includes('--check')

/** @param {string} root */
function readTree(root) {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name))
  return new Map(paths.map((path) => [path.slice(root.length + 1), readFileSync(path, 'utf8')]))
}

/** @param {string} output */
function generate(output) {
  execFileSync('buf', ['generate', '--output', output], { cwd: packageRoot, stdio: ['ignore', 'inherit', 'inherit'] })
}

if (check) {
  const fresh = mkdtempSync(join(tmpdir(), 'generated-'))
  try {
    generate(fresh)
    const expected = readTree(join(fresh, 'src', 'generated'))
    const committed = readTree(join(packageRoot, 'src', 'generated'))
    for (const path of new Set([...expected.keys(), ...committed.keys()])) {
      if (expected.get(path) === committed.get(path)) continue
      console.error(`src/generated/${path} is not what proto/ gives; "npm run generate" makes it anew`)
      process.exitCode = 1
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
} else {
  generate(packageRoot)
}
