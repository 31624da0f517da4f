// npm run requirement -- WPT-2-14        where one is implemented and tested
// npm run requirement -- WPT             every one of a document, with the counts
// npm run requirement -- --untested      the ones that sources cite and no test does, by package
import { dirname } from 'node:path'
import { type Citation, findCitations, idPattern, readCatalogue } from './gates/requirement-catalogue.ts'

const root = dirname(import.meta.dirname)
const catalogue = readCatalogue(root)
const wanted = process.argv.slice(2)

function places(citations: readonly Citation[], kind: Citation['kind']): string {
  const found = citations
    .filter((citation) => citation.kind === kind)
    .map(({ path, line, text }) => `    ${path}:${line}  ${text.slice(0, 100)}`)
  return found.length === 0 ? '    nowhere' : found.join('\n')
}

const found = findCitations(root, idPattern(catalogue))
const byId = Map.groupBy(found, ({ id }) => id)
if (wanted[0] === '--untested') {
  const untested = found.filter(({ id }) => byId.get(id)?.every(({ kind }) => kind === 'source'))
  for (const [folder, citations] of Map.groupBy(untested, ({ path }) => path.split('/').slice(0, 2).join('/'))) {
    console.log(`${folder}: ${[...new Set(citations.map(({ id }) => id))].join(' ')}`)
  }
  process.exit()
}
let unknown = wanted.length === 0
for (const name of wanted) {
  const one = catalogue.get(name)
  if (one !== undefined) {
    const citations = byId.get(name) ?? []
    console.log(`${one.id}  ${one.level}  ${one.specification} (${one.revision}) section ${one.section}\n  ${one.text}`)
    console.log(`  implemented\n${places(citations, 'source')}\n  tested\n${places(citations, 'test')}\n`)
    continue
  }
  const all = [...catalogue.values()].filter(({ id }) => id.startsWith(`${name}-`))
  unknown ||= all.length === 0
  for (const { id, level, text } of all) {
    const citations = byId.get(id) ?? []
    const count = (kind: Citation['kind']): number => citations.filter((citation) => citation.kind === kind).length
    console.log(`${id.padEnd(16)} ${level.padEnd(10)} source ${count('source')}  test ${count('test')}  ${text.slice(0, 90)}`)
  }
}
if (unknown) {
  const prefixes = new Set([...catalogue.keys()].map((id) => id.slice(0, id.indexOf('-'))))
  console.error(`usage: npm run requirement -- <id or prefix>…   prefixes: ${[...prefixes].join(' ')}`)
  process.exitCode = 2
}
