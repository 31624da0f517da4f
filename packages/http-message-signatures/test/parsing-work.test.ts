import { requestViewOfParts } from '@wimse/core'
import * as structuredHeaders from 'structured-headers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { component, createSignatureBase } from '../src/index.ts'

vi.mock('structured-headers', async (original) => {
  const real = await original<typeof structuredHeaders>()
  return { ...real, parseDictionary: vi.fn(real.parseDictionary) }
})

const NAMES = Array.from({ length: 60 }, (_, index) => `a${index}`)

afterEach(() => vi.unstubAllGlobals())

describe('work for one signature base, which a sender can ask for without a valid signature', () => {
  it('HMS-2.1.2-01: a Dictionary is parsed once, however many of its members are covered', () => {
    const fields = [['x', NAMES.map((name) => `${name}=1`).join(', ')]] as const
    const request = requestViewOfParts({ method: 'GET', scheme: 'https', authority: 'shop.example', target: '/', fields })
    vi.mocked(structuredHeaders.parseDictionary).mockClear()
    const components = NAMES.map((name) => component('x', { key: name }))
    expect(createSignatureBase(request, components, '()').split('\n')).toHaveLength(61)
    expect(structuredHeaders.parseDictionary).toHaveBeenCalledTimes(1)
  })

  it('HMS-2.2.8-01: a query is parsed once, however many of its parameters are covered', () => {
    const target = `/?${NAMES.map((name) => `${name}=1`).join('&')}`
    const request = requestViewOfParts({ method: 'GET', scheme: 'https', authority: 'shop.example', target, fields: [] })
    let parsed = 0
    class Counted extends URLSearchParams {
      constructor(init: string) {
        super(init)
        parsed += 1
      }
    }
    vi.stubGlobal('URLSearchParams', Counted)
    const components = NAMES.map((name) => component('@query-param', { name }))
    expect(createSignatureBase(request, components, '()').split('\n')).toHaveLength(61)
    expect(parsed).toBe(1)
  })
})
