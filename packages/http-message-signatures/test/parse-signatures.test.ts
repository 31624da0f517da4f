import { describe, expect, it } from 'vitest'
import { parseSignatures, readSignatureParameters } from '../src/index.ts'

const SIGNATURE = 's=:AAAA:'
const parse = (input: string, signature = SIGNATURE) =>
  parseSignatures([
    ['Signature-Input', input],
    ['Signature', signature],
  ])

describe('parseSignatures', () => {
  it('HMS-4.1-01 HMS-4.2-01: gives labels, components and parameters in order', () => {
    const [first, second] = parse('a=("@method" "x";key="k");created=1;nonce="n\\"";x, b=();tag="t"', 'b=:AAAA:, a=:AQID:')
    expect(first).toMatchObject({ label: 'a', canonical: true, signature: Uint8Array.of(1, 2, 3) })
    expect(first?.components.map(({ text }) => text)).toEqual(['"@method"', '"x";key="k"'])
    expect([...(first?.parameters ?? [])]).toEqual([
      ['created', 1],
      ['nonce', 'n"'],
      ['x', true],
    ])
    expect(second?.signatureParams).toBe('();tag="t"')
  })

  it('HMS-4.1-05 HMS-4.2-04: joins several lines of a field', () => {
    const signatures = parseSignatures([
      ['signature-input', 'a=()'],
      ['signature', 'a=:AAAA:'],
      ['signature-input', 'b=()'],
      ['signature', 'b=:AAAA:'],
    ])
    expect(signatures.map(({ label }) => label)).toEqual(['a', 'b'])
  })

  it('gives nothing for a message without signatures', () => {
    expect(parseSignatures([['host', 'a.example']])).toEqual([])
  })

  it.each([
    ['s=()', true],
    ['s=();a=1.5;b=:AAAA:;c=tok/en', true],
    ['s=( "a"  "b" )', false],
    ['s=("a"); created=1', false],
    ['s=("a");created=01', false],
    ['s=("a");created=1.0', false],
    ['s=("a");x=?1', false],
  ])('HMS-4.1-02: %s is canonical: %s', (input, canonical) => {
    expect(parse(input)[0]?.canonical).toBe(canonical)
  })

  it.each([
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's="text"', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's=(a b)', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's=("a"', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's=("a"),', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 'S=("a")', SIGNATURE],
    ['HMS-3.2-04', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', '', SIGNATURE],
    ['a parameter twice', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', 's=();tag="a";tag="b"', SIGNATURE],
    ['HMS-3.2-05', 'ERR_HTTP_MESSAGE_SIGNATURE', 's=()', 's="AAAA"'],
    ['HMS-3.2-05', 'ERR_HTTP_MESSAGE_SIGNATURE', 's=()', 's=:AAA:'],
    ['HMS-3.2-05', 'ERR_HTTP_MESSAGE_SIGNATURE', 's=()', 's=:AA__:'],
    ['HMS-3.2-05', 'ERR_HTTP_MESSAGE_SIGNATURE', 's=()', 's=:AB==:'],
    ['HMS-3.2-05', 'ERR_HTTP_MESSAGE_SIGNATURE', 's=()', 's=::'],
    ['HMS-4-05', 'ERR_HTTP_MESSAGE_LABEL', 's=()', 't=:AAAA:'],
    ['HMS-4-05', 'ERR_HTTP_MESSAGE_LABEL', 's=(), t=()', SIGNATURE],
    ['HMS-4-02 HMS-4.1-06', 'ERR_HTTP_MESSAGE_LABEL_DUPLICATE', 's=(), s=()', SIGNATURE],
    ['HMS-4.2-05', 'ERR_HTTP_MESSAGE_LABEL_DUPLICATE', 's=()', 's=:AAAA:, s=:AAAA:'],
  ])('%s: %s for %s and %s', (_id, code, input, signature) => {
    expect(() => parse(input, signature)).toThrow(expect.objectContaining({ code }))
  })

  it('HMS-4-04: a field without the other is refused', () => {
    expect(() => parseSignatures([['signature', SIGNATURE]])).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_LABEL' }))
    expect(() => parseSignatures([['signature-input', 's=()']])).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_LABEL' }))
  })

  it('refuses more than the limits', () => {
    const limits = { maxFieldCharacters: 100, maxSignatures: 1, maxComponents: 1 }
    const input = (text: string) => () =>
      parseSignatures(
        [
          ['signature-input', text],
          ['signature', 's=:AAAA:'],
        ],
        limits,
      )
    for (const text of ['s=("a" "b")', 's=(), t=()', `s=();nonce="${'n'.repeat(100)}"`]) {
      expect(input(text)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT' }))
    }
  })
})

describe('readSignatureParameters', () => {
  it.each(['created="1"', 'expires=1.5', 'created=?0', 'nonce=abc', 'tag=1', 'keyid=:AAAA:', 'alg'])(
    'HMS-2.3-04 HMS-2.3-05: refuses %s',
    (parameter) => {
      const [parsed] = parse(`s=();${parameter}`)
      expect(() => readSignatureParameters(parsed?.parameters ?? new Map())).toThrow(
        expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER' }),
      )
    },
  )
})
