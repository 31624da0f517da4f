import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { idPattern, readCatalogue } from '../gates/requirement-catalogue.ts'

const catalogue = readCatalogue(dirname(dirname(import.meta.dirname)))
const found = (text: string): string[] => [...text.matchAll(idPattern(catalogue))].map(([id]) => id)

describe('requirement ids', () => {
  it('finds whatever looks like an id, known or not', () => {
    expect(found('exactly one field (WPT-2-28), CRED-5.1.4-02; XSVID-A-01, WPT-2-99')).toEqual([
      'WPT-2-28',
      'CRED-5.1.4-02',
      'XSVID-A-01',
      'WPT-2-99',
    ])
  })

  it('leaves other words alone', () => {
    expect(found('ERR_WPT_ALG, UUID-1-02, WPT-2-381, ES256, draft-03')).toEqual([])
  })

  it('reads every id of the catalogue as one', () => {
    for (const id of catalogue.keys()) expect(found(`(${id})`)).toEqual([id])
  })
})
