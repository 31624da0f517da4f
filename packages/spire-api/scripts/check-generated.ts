// Fails when src/generated is not what `npm run generate` makes of proto/.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packageRoot = join(import.meta.dirname, '..')

function readTree(root: string): ReadonlyMap<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(root.length + 1), readFileSync(path, 'utf8')]
    }),
  )
}

const fresh = mkdtempSync(join(tmpdir(), 'spire-api-generated-'))
try {
  execFileSync('buf', ['generate', '--output', fresh], { cwd: packageRoot, stdio: ['ignore', 'inherit', 'inherit'] })
  const expected = readTree(join(fresh, 'src', 'generated'))
  const committed = readTree(join(packageRoot, 'src', 'generated'))
  const stale = [...new Set([...expected.keys(), ...committed.keys()])].filter((path) => expected.get(path) !== committed.get(path))
  for (const path of stale) console.error(`src/generated/${path} differs from what proto/ gives`)
  if (stale.length > 0) process.exitCode = 1
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
