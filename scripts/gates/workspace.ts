import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A workspace of the repository with what its package.json says. */
export interface Workspace {
  readonly name: string
  /** Relative to the root, such as `packages/core`. */
  readonly folder: string
  readonly manifest: Readonly<Record<string, unknown>>
}

/** The workspaces that the root package.json names. */
export function listWorkspaces(root: string): Workspace[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] }
  const folders = workspaces.flatMap((pattern) =>
    pattern.endsWith('/*') ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => `${pattern.slice(0, -2)}/${name}`) : [pattern],
  )
  return folders
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<string, unknown>
      return { name: String(manifest['name']), folder, manifest }
    })
}

/** The TypeScript files below a folder that people wrote, relative to the root. */
export function sourceFiles(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !/(?:^|\/)(?:generated|dist|node_modules)\//.test(path))
    .sort()
}
