import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorTable } from '../../packages/core/src/errors/error-table.ts'
import { errorPage } from '../gates/error-page.ts'
import { readCatalogue } from '../gates/requirement-catalogue.ts'

const page = errorPage(readCatalogue(dirname(dirname(import.meta.dirname))))
const codes = Object.keys(errorTable) as ErrorCode[]

describe('page of the error codes', () => {
  it('has one row for each code, and none for another', () => {
    const rows = [...page.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|/gm)].map(([, code]) => code)
    expect(rows.toSorted()).toEqual(codes.toSorted())
  })

  it('gives every row five cells', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `ERR_'))
    expect(rows.filter((row) => row.split('|').length !== 7)).toEqual([])
  })

  it('says where a challenge goes out', () => {
    expect(page).toMatch(/\| `ERR_WPT_EXPIRED` \| 401 WPT \|/)
    expect(page).toMatch(/\| `ERR_WIT_EXPIRED` \| 401 WPT, else 400 \|/)
    expect(page).toMatch(/\| `ERR_POLICY_DENIED` \| 403 \|/)
  })
})
