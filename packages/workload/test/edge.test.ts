import { readFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const folder = dirname(import.meta.dirname)

/** Imports that are left of a module when its types are gone: what a runtime would load. */
function runtimeImports(file: string): string[] {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  return ts.preProcessFile(outputText, true, true).importedFiles.map(({ fileName }) => fileName)
}

interface Graph {
  readonly builtins: Set<string>
  readonly packages: Set<string>
  readonly files: Set<string>
}

/** Everything that an entry loads, through every package. */
function walk(entry: string): Graph {
  const graph: Graph = { builtins: new Set(), packages: new Set(), files: new Set() }
  const visit = (file: string): void => {
    if (graph.files.has(file)) return
    graph.files.add(file)
    for (const specifier of runtimeImports(file)) {
      if (specifier.startsWith('node:') || builtinModules.includes(specifier)) graph.builtins.add(specifier)
      else if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
      else {
        graph.packages.add(specifier)
        visit(resolve(specifier, file))
      }
    }
  }
  visit(entry)
  return graph
}

/** As a bundler for the edge does, with our sources in place of what is built of them. */
function resolve(specifier: string, from: string): string {
  const [scope = '', name = '', ...rest] = specifier.split('/')
  if (scope !== '@wimse') return createRequire(pathToFileURL(from)).resolve(specifier)
  const root = join(dirname(folder), name)
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { 'wimse-source': string }>
  }
  const target = exports[rest.length === 0 ? '.' : `./${rest.join('/')}`]
  if (target === undefined) throw new Error(`${specifier} is not exported`)
  return join(root, target['wimse-source'])
}

describe('what runs where there is no Node', () => {
  it.each(['src/index.ts', 'src/hono.ts'])('%s loads nothing of Node, through all that it imports', (entry) => {
    const { builtins, packages, files } = walk(join(folder, entry))
    expect([...builtins]).toEqual([])
    expect([...packages].filter((name) => !name.startsWith('@wimse/') && name !== 'structured-headers')).toEqual([])
    expect([...packages]).not.toContain('@wimse/mutual-tls')
    expect([...packages]).not.toContain('@wimse/workload-api')
    expect(files.size).toBeGreaterThan(20)
  })

  it('src/node.ts is what does, so the walk sees it', () => {
    expect([...walk(join(folder, 'src/node/https-transport.ts')).builtins]).toContain('node:https')
  })
})
