import { describe, expect, it } from 'vitest'
import { component, formatAcceptSignature, parseAcceptSignature } from '../src/index.ts'

describe('Accept-Signature', () => {
  it('HMS-5.1-01 HMS-5.1-02 HMS-5.1-03: parses what it formats', () => {
    const text = formatAcceptSignature([
      {
        label: 'a',
        components: ['@status', component('@method', { req: true })],
        parameters: { created: true, expires: true, tag: 't', nonce: 'n' },
      },
      { label: 'b', components: [] },
    ])
    expect(text).toBe('a=("@status" "@method";req);created;expires;tag="t";nonce="n", b=()')
    const [a, b] = parseAcceptSignature([['Accept-Signature', text]])
    expect(a?.components.map(({ name }) => name)).toEqual(['@status', '@method'])
    expect(a?.parameters.get('tag')).toBe('t')
    expect(b).toMatchObject({ label: 'b', components: [] })
  })

  it('gives nothing without the field', () => {
    expect(parseAcceptSignature([])).toEqual([])
  })

  it.each([
    ['HMS-5.1-01', 'a=1', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.1-01', 'a=(1)', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.1-01', 'a=("@status"', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-4-02', 'a=(), a=()', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.1-04', 'a=();created=1', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.1-05', 'a=();tag', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.1-06', 'a=();keyid=1', 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE'],
    ['HMS-5.2-01', 'a=("@nothing")', 'ERR_HTTP_MESSAGE_COMPONENT'],
    ['HMS-5.2-01', 'a=("x";what)', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER'],
  ])('%s: refuses %s', (_id, value, code) => {
    expect(() => parseAcceptSignature([['accept-signature', value]])).toThrow(expect.objectContaining({ code }))
  })

  it.each([[[]], [[{ label: 'A', components: [] }]], [[{ label: 'a', components: [], parameters: { created: 1 } }]]])(
    'HMS-5.1-04: does not format %j',
    (wishes) => {
      expect(() => formatAcceptSignature(wishes)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE' }))
    },
  )
})
