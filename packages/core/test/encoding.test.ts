import { describe, expect, it } from 'vitest'
import {
  concatOctets,
  formatBase64url,
  parseBase64url,
  parseBase64urlJsonObject,
  parseStrictJson,
  parseStrictJsonObject,
  sameOctets,
  utf8,
} from '../src/index.ts'
import { codeOf } from './code-of.ts'

describe('base64url', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('formats and parses the vectors of RFC 4648 section 10: %j', (text, encoded) => {
    expect(formatBase64url(utf8(text))).toBe(encoded)
    expect(parseBase64url(encoded)).toEqual(utf8(text))
  })

  it('uses the alphabet for URLs', () => {
    expect(formatBase64url(new Uint8Array([0xfb, 0xff, 0xbf]))).toBe('-_-_')
  })

  it.each([
    ['padding', 'Zg=='],
    ['the other alphabet', '+/+/'],
    ['white space', 'Zm9v YmFy'],
    ['a line end', 'Zm9v\n'],
    ['an impossible length', 'Zm9vY'],
    ['trailing bits after two characters', 'Zh'],
    ['trailing bits after three characters', 'Zm9'],
    ['a letter beyond ASCII whose low bits are in the alphabet', 'Zm9\u0176'],
    ['a letter far beyond ASCII', 'Zm9\uff41'],
    ['half of a surrogate pair', 'Zm9\ud83d'],
    ['a dot', 'Zm.v'],
  ])('BCP-3.14-01: refuses %s', (_title, text) => {
    expect(codeOf(() => parseBase64url(text))).toBe('ERR_ENCODING_BASE64URL')
  })
})

describe('strict JSON', () => {
  const parse = (text: string, limits = {}): unknown => parseStrictJson(utf8(text), limits)

  it.each([
    '{}',
    '[]',
    'null',
    '"a"',
    '-0.5e3',
    ' { "a" : [ 1 , { "a" : 2 } ] , "b" : { "a" : 3 } } ',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '["a","a"]',
    '{"a":{"b":1},"b":{"a":1}}',
    '{"a":"\\ud83d\\ude00"}',
    '{"2":1,"1":2}',
    '{"constructor":1,"toString":2}',
    '{"a":"__proto__"}',
  ])('BCP-3.7-01: reads %s as JSON.parse does', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  it.each([
    ['a member twice', '{"a":1,"a":1}'],
    ['a member twice with white space', '{ "a" : 1 , "a" : 2 }'],
    ['a member twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a member twice in an inner object', '{"x":[{"a":1,"b":2,"a":3}]}'],
    ['a member twice with another object between', '{"a":1,"b":{"c":[1,2]},"a":2}'],
    ['a member twice, the first of them very deep', `{"a":${'['.repeat(5000)}${']'.repeat(5000)},"a":1}`],
    ['__proto__', '{"__proto__":{}}'],
    ['__proto__, escaped', '{"\\u005f_proto__":{}}'],
    ['a lone surrogate', '{"a":"\\ud83d"}'],
    ['a lone surrogate in a name', '{"\\udc00":1}'],
    ['a number that no double holds', '{"exp":1e400}'],
    ['a negative one', '[-1e400]'],
    ['nothing', ''],
    ['a comment', '{} // x'],
    ['a trailing comma', '[1,]'],
    ['a leading zero', '[01]'],
    ['single quotes', "{'a':1}"],
    ['NaN', 'NaN'],
    ['two values', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['a control character in a string', '"\u0001"'],
  ])('BCP-3.14-01: refuses %s', (_title, text) => {
    expect(codeOf(() => parse(text))).toBe('ERR_ENCODING_JSON')
  })

  it.each([
    ['octets that are no UTF-8', [0x22, 0xff, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['UTF-16', [0x7b, 0x00, 0x7d, 0x00]],
  ])('BCP-3.7-01: refuses %s', (_title, octets) => {
    expect(codeOf(() => parseStrictJson(new Uint8Array(octets)))).toBe('ERR_ENCODING_JSON')
  })

  const nested = (depth: number, open: string, close: string): string => `${open.repeat(depth)}1${close.repeat(depth)}`

  it.each([
    ['[', ']'],
    ['{"a":', '}'],
    [' [', ' ]'],
  ])('ID-7.1-08: judges the depth of %s', (open, close) => {
    expect(codeOf(() => parse(nested(16, open, close)))).toBe('ok')
    expect(codeOf(() => parse(nested(17, open, close)))).toBe('ERR_ENCODING_JSON')
    expect(codeOf(() => parse(nested(2, open, close), { maxDepth: 2 }))).toBe('ok')
    expect(codeOf(() => parse(nested(3, open, close), { maxDepth: 2 }))).toBe('ERR_ENCODING_JSON')
    expect(codeOf(() => parse(nested(100_000, open, close), { maxBytes: 10_000_000 }))).toBe('ERR_ENCODING_JSON')
  })

  it('ID-7.1-08: judges the size in octets before it reads', () => {
    expect(codeOf(() => parse('"éé"', { maxBytes: 6 }))).toBe('ok')
    expect(codeOf(() => parse('"éé"', { maxBytes: 5 }))).toBe('ERR_ENCODING_TOO_LARGE')
    expect(codeOf(() => parse(`"${'a'.repeat(16_382)}"`))).toBe('ok')
    expect(codeOf(() => parse(`"${'a'.repeat(16_383)}"`))).toBe('ERR_ENCODING_TOO_LARGE')
  })

  it('takes objects alone where an object is wanted', () => {
    expect(parseStrictJsonObject(utf8('{"a":1}'))).toEqual({ a: 1 })
    for (const text of ['[]', 'null', '1', '"{}"']) expect(codeOf(() => parseStrictJsonObject(utf8(text)))).toBe('ERR_ENCODING_JSON')
  })
})

describe('a JSON object in base64url', () => {
  const encode = (text: string): string => formatBase64url(utf8(text))
  const read = (part: string): unknown => parseBase64urlJsonObject(`a.${part}.b`, 2, 2 + part.length)

  it.each(['{}', '{"a":"é😀"}', `{"a":"${'x'.repeat(5000)}"}`, '{"a":1}'])('BCP-3.7-01: is read in its place: %.20s', (text) => {
    expect(read(encode(text))).toEqual(JSON.parse(text))
  })

  it.each([
    ['another alphabet', '+/+/', 'ERR_ENCODING_BASE64URL'],
    ['an impossible length', `${encode('{"a":1}')}aaa`, 'ERR_ENCODING_BASE64URL'],
    ['the dot after it', `${encode('{"a":1}')}.`, 'ERR_ENCODING_BASE64URL'],
    ['a member twice', encode('{"a":1,"a":2}'), 'ERR_ENCODING_JSON'],
    ['a list', encode('[]'), 'ERR_ENCODING_JSON'],
    ['nothing, whatever was read before', '', 'ERR_ENCODING_JSON'],
    ['a part of what was read before', encode('{"a"'), 'ERR_ENCODING_JSON'],
    ['more octets than are read', encode(`{"a":"${'x'.repeat(17_000)}"}`), 'ERR_ENCODING_TOO_LARGE'],
  ])('BCP-3.14-01: refuses %s', (_title, part, code) => {
    expect(codeOf(() => read(part))).toBe(code)
  })

  it('keeps nothing of what the memory is used for next', () => {
    const first = read(encode('{"a":{"b":["first"]}}'))
    read(encode('{"a":{"b":["other"]}}'))
    expect(first).toEqual({ a: { b: ['first'] } })
  })
})

describe('octets', () => {
  it('are the same, or not', () => {
    expect(sameOctets(utf8('ab'), utf8('ab'))).toBe(true)
    expect(sameOctets(utf8('ab'), utf8('ac'))).toBe(false)
    expect(sameOctets(utf8('ab'), utf8('abc'))).toBe(false)
  })

  it('are joined in order', () => {
    expect(concatOctets([utf8('a'), utf8(''), utf8('bc')])).toEqual(utf8('abc'))
    expect(concatOctets([])).toEqual(new Uint8Array())
  })
})
