import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listWorkspaces, sourceFiles } from './workspace.ts'

/** One statement of a specification. */
export interface Requirement {
  readonly id: string
  readonly section: string
  readonly level: string
  readonly text: string
  readonly reject: string | null
  readonly specification: string
  readonly revision: string
}

/** Where an id is cited: `test` for files below test/, `source` for everything else. */
export interface Citation {
  readonly id: string
  readonly kind: 'source' | 'test'
  readonly path: string
  readonly line: number
  readonly text: string
}

interface CatalogueFile {
  readonly spec: string
  readonly revision: string
  readonly prefix: string
  readonly requirements: readonly Omit<Requirement, 'specification' | 'revision'>[]
}

/** Every requirement by id. */
export function readCatalogue(root: string): Map<string, Requirement> {
  const folder = join(root, 'spec/requirements')
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const catalogue = new Map<string, Requirement>()
  for (const name of files) {
    const { spec, revision, requirements } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CatalogueFile
    for (const requirement of requirements) {
      if (catalogue.has(requirement.id)) throw new Error(`${requirement.id} stands twice in spec/requirements`)
      catalogue.set(requirement.id, { ...requirement, specification: spec, revision })
    }
  }
  return catalogue
}

/** A pattern that finds whatever looks like an id of the catalogue, whether it exists or not. */
export function idPattern(catalogue: ReadonlyMap<string, Requirement>): RegExp {
  const prefixes = new Set([...catalogue.keys()].map((id) => id.slice(0, id.indexOf('-'))))
  return new RegExp(`(?<![A-Za-z0-9_-])(?:${[...prefixes].join('|')})-[0-9A-Z][0-9A-Z.]*-[0-9]{2}(?![0-9])`, 'g')
}

/** Every place below src/, test/ and bench/ of the workspaces that cites an id. */
export function findCitations(root: string, pattern: RegExp): Citation[] {
  const files = listWorkspaces(root).flatMap(({ folder }) =>
    ['src', 'test', 'bench'].flatMap((part) => sourceFiles(root, `${folder}/${part}`)),
  )
  return files.flatMap((path) => {
    const kind = path.includes('/test/') ? 'test' : 'source'
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    return lines.flatMap((text, index) =>
      [...text.matchAll(pattern)].map(([id]) => ({ id, kind, path, line: index + 1, text: text.trim() }) as const),
    )
  })
}
