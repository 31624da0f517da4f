import { existsSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript'
import { type Floor, floors, soleImporters, testOnly } from './floors.ts'
import { listWorkspaces, sourceFiles, type Workspace } from './workspace.ts'

/** What the judgement of one import needs to know. */
export interface ImportSite {
  /** The file that imports, relative to its workspace: `src/verify-wit.ts`. */
  readonly file: string
  readonly specifier: string
  readonly importer: Pick<Workspace, 'name' | 'folder' | 'manifest'>
}

const BUILTIN = new Set(builtinModules)

/** The specifiers of every import and export of a module, dynamic ones with a literal included. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName)
}

/**
 * Judges one import: floors point strictly down; neutral packages touch `node:*` in their node subpath alone; `src/` of packages
 * never imports test tools; single-importer libraries stay where they are; whatever is imported is declared.
 *
 * @returns what is wrong, or undefined
 */
export function judgeImport({ file, specifier, importer }: ImportSite): string | undefined {
  const floor = floors[importer.name]
  if (floor === undefined) return `${importer.name} has no floor: add it to scripts/gates/floors.ts`
  if (specifier.startsWith('.')) return judgeRelative(file, specifier, floor)
  if (specifier.startsWith('node:') || BUILTIN.has(specifier)) return judgeBuiltin(file, specifier, floor)
  const target = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  if (target === importer.name) return `${specifier} is the package itself: use a relative import`
  const sole = soleImporters[target]
  if (sole !== undefined && sole !== importer.name) return `only ${sole} imports ${target}`
  if (importer.folder.startsWith('packages/') && testOnly.includes(target)) return `src/ of a package imports ${target}`
  const below = floors[target]
  if (below !== undefined && below.level >= floor.level)
    return `${target} (floor ${below.level}) is not below ${importer.name} (floor ${floor.level})`
  if (target.startsWith('@wimse/') && below === undefined) return `${target} has no floor: add it to scripts/gates/floors.ts`
  return declares(importer.manifest, target) ? undefined : `${target} is not among the dependencies of ${importer.name}`
}

function judgeRelative(file: string, specifier: string, floor: Floor): string | undefined {
  if (!/\.(?:m?ts|json)$/.test(specifier)) return `${specifier} has no file extension`
  const fromNodeHalf = isNodeHalf(file)
  const toNodeHalf = /(?:^|\/)node(?:\.ts$|\/)/.test(specifier)
  if (floor.neutral && !fromNodeHalf && toNodeHalf) return `${specifier} belongs to the ./node subpath`
  return undefined
}

function judgeBuiltin(file: string, specifier: string, floor: Floor): string | undefined {
  if (!specifier.startsWith('node:')) return `${specifier} is written node:${specifier}`
  if (floor.neutral && !isNodeHalf(file)) return `${specifier} in a package that runs on every runtime`
  return undefined
}

function isNodeHalf(file: string): boolean {
  return file === 'src/node.ts' || file.startsWith('src/node/')
}

function declares(manifest: Readonly<Record<string, unknown>>, target: string): boolean {
  return ['dependencies', 'peerDependencies', 'optionalDependencies'].some((kind) => Object.hasOwn(manifest[kind] ?? {}, target))
}

/** Every import that breaks a rule, and every relative import of a file that isn't there, as `file: what is wrong`. */
export function checkImportGraph(root: string): string[] {
  const problems: string[] = []
  for (const importer of listWorkspaces(root)) {
    for (const path of sourceFiles(root, `${importer.folder}/src`)) {
      const file = path.slice(importer.folder.length + 1)
      for (const specifier of importsOf(readFileSync(join(root, path), 'utf8'))) {
        const problem = judgeImport({ file, specifier, importer }) ?? judgeTarget(root, path, specifier)
        if (problem !== undefined) problems.push(`${path}: ${problem}`)
      }
    }
  }
  return problems
}

function judgeTarget(root: string, path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return existsSync(join(root, path, '..', specifier)) ? undefined : `${specifier} is not there`
}
