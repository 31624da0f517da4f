import { errorTable } from '@wimse/core'
import { findCitations, idPattern, readCatalogue } from './requirement-catalogue.ts'

/** The requirement of rows about our own rules. */
const OWN_RULE = 'WIMSE'

/** Every cited id and every id of an error row that the catalogue doesn't have, as `place: what is wrong`. */
export function checkCitations(root: string): string[] {
  const catalogue = readCatalogue(root)
  const cited = findCitations(root, idPattern(catalogue))
    .filter(({ id }) => !catalogue.has(id))
    .map(({ path, line, id }) => `${path}:${line}: ${id} is not in spec/requirements`)
  const rows = Object.entries(errorTable)
    .filter(([, { requirement }]) => requirement !== OWN_RULE && !catalogue.has(requirement))
    .map(([code, { requirement }]) => `errorTable.${code}: ${requirement} is not in spec/requirements`)
  return [...new Set([...cited, ...rows])]
}
