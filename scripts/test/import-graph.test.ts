import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { floors } from '../gates/floors.ts'
import { importsOf, judgeImport } from '../gates/import-graph.ts'
import { listWorkspaces } from '../gates/workspace.ts'

const manifest = {
  dependencies: {
    '@wimse/core': '0.1.0',
    '@wimse/keys': '0.1.0',
    '@wimse/wpt': '0.1.0',
    '@wimse/testing': '0.1.0',
    'structured-headers': '2.0.0',
    hono: '4.0.0',
  },
}

const judge = (name: string, specifier: string, file = 'src/index.ts', folder = 'packages/it'): string | undefined =>
  judgeImport({ file, specifier, importer: { name, folder, manifest } })

describe('import graph', () => {
  it.each([
    ['@wimse/wit', '@wimse/core', 'a lower floor'],
    ['@wimse/wit', './verify-wit.ts', 'a file of its own'],
    ['@wimse/mutual-tls', 'node:tls', 'node:* where no other runtime is promised'],
    ['@wimse/http-message-signatures', 'structured-headers', 'the library that it is the sole importer of'],
    ['@wimse/workload', 'hono', 'a declared dependency'],
  ])('lets %s import %s: %s', (name, specifier) => {
    expect(judge(name, specifier)).toBeUndefined()
  })

  it.each([
    ['@wimse/core', '@wimse/keys', 'a higher floor'],
    ['@wimse/http-signature', '@wimse/wpt', 'the same floor'],
    ['@wimse/wit', '@wimse/wit', 'itself by name'],
    ['@wimse/workload', '@wimse/testing', 'test tools'],
    ['@wimse/wit', 'structured-headers', 'a library that another package stands before'],
    ['@wimse/wit', 'node:crypto', 'node:* in a neutral package'],
    ['@wimse/mutual-tls', 'tls', 'a builtin without its prefix'],
    ['@wimse/wit', 'left-pad', 'what is not declared'],
    ['@wimse/wit', './verify-wit', 'a path without its extension'],
    ['@wimse/trust', './node/file-store.ts', 'its own node half'],
    ['@wimse/nowhere', '@wimse/core', 'anything, being without a floor'],
  ])('keeps %s from importing %s: %s', (name, specifier) => {
    expect(judge(name, specifier)).toBeTypeOf('string')
  })

  it('lets the ./node subpath of a neutral package import node:*', () => {
    expect(judge('@wimse/trust', 'node:fs', 'src/node/file-store.ts')).toBeUndefined()
    expect(judge('@wimse/trust', 'node:fs', 'src/node.ts')).toBeUndefined()
    expect(judge('@wimse/trust', './node/file-store.ts', 'src/node.ts')).toBeUndefined()
  })

  it('lets the suite import test tools', () => {
    expect(judge('@wimse/interop', '@wimse/testing', 'src/main.ts', 'interop')).toBeUndefined()
  })

  it('sees every kind of import', () => {
    const text = `import a from 'a'; import type { B } from 'b'; export { c } from 'c'; const d = await import('d'); import 'e'`
    expect(importsOf(text).sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('has a floor for every workspace, and no other', () => {
    const names = listWorkspaces(dirname(dirname(import.meta.dirname))).map(({ name }) => name)
    expect(Object.keys(floors).sort()).toEqual(names.sort())
  })
})
