import { describe, expect, it } from 'vitest'
import {
  fieldLinesOfHeaders,
  fieldLinesOfRawHeaders,
  fieldValues,
  type RequestParts,
  readBody,
  requestViewOfParts,
  requestViewOfRequest,
  responseViewOfResponse,
  trimFieldValue,
  utf8,
} from '../src/index.ts'
import { codeOf, codeOfAsync } from './code-of.ts'

const parts: RequestParts = { method: 'POST', scheme: 'https', authority: 'payments.shop.example', target: '/charges?a=%2F&b', fields: [] }

describe('field lines', () => {
  it('WPT-2-28: repeated fields stay apart, whatever their case', () => {
    const lines = fieldLinesOfRawHeaders(['Authorization', 'WPT a', 'Host', 'x', 'AUTHORIZATION', ' WPT b\t'])
    expect(fieldValues(lines, 'authorization')).toEqual(['WPT a', 'WPT b'])
    expect(fieldValues(lines, 'workload-identity-token')).toEqual([])
  })

  it.each([
    ['an odd length', ['Host']],
    ['an empty name', ['', 'x']],
    ['a name with a space', ['Ho st', 'x']],
    ['a name with a line end', ['Host\n', 'x']],
    ['a name with a colon', ['Host:', 'x']],
  ])('HMS-2.1-01: refuses %s', (_title, rawHeaders) => {
    expect(codeOf(() => fieldLinesOfRawHeaders(rawHeaders))).toBe('ERR_MESSAGE_MALFORMED')
  })

  it('trims spaces and tabs at both ends and nothing else', () => {
    expect(trimFieldValue(' \ta b\t ')).toBe('a b')
    expect(trimFieldValue('\u00a0a\u000b')).toBe('\u00a0a\u000b')
    expect(trimFieldValue(' \t ')).toBe('')
  })

  it('come from web headers as the platform joined them', () => {
    const headers = new Headers([
      ['A', '1'],
      ['a', '2'],
    ])
    expect(fieldValues(fieldLinesOfHeaders(headers), 'a')).toEqual(['1, 2'])
  })
})

describe('requestViewOfParts', () => {
  it('keeps path and query as they were sent', () => {
    expect(requestViewOfParts(parts)).toMatchObject({ kind: 'request', method: 'POST', path: '/charges', query: 'a=%2F&b', body: null })
  })

  it.each([
    ['/', '/', undefined],
    ['/?', '/', ''],
    ['/a?b?c', '/a', 'b?c'],
    ['/a/../b//c', '/a/../b//c', undefined],
  ])('takes %s apart', (target, path, query) => {
    expect(requestViewOfParts({ ...parts, target })).toMatchObject({ path, query })
  })

  it.each([
    ['the target *', { target: '*' }],
    ['an absolute target', { target: 'https://payments.shop.example/' }],
    ['an empty target', { target: '' }],
    ['a fragment', { target: '/a#b' }],
    ['a space', { target: '/a b' }],
    ['a line end', { target: '/a\r\n' }],
    ['a character beyond ASCII', { target: '/é' }],
    ['an empty method', { method: '' }],
    ['a method that is no token', { method: 'GET /' }],
  ])('HMS-2.1-01: refuses %s', (_title, fault) => {
    expect(codeOf(() => requestViewOfParts({ ...parts, ...fault }))).toBe('ERR_MESSAGE_MALFORMED')
  })
})

describe('views of web messages', () => {
  it('show a request', () => {
    const request = new Request('https://payments.shop.example:8443/a%2Fb?x=1', { method: 'PUT', headers: { 'X-A': '1' }, body: 'hi' })
    const view = requestViewOfRequest(request)
    expect(view).toMatchObject({ method: 'PUT', scheme: 'https', authority: 'payments.shop.example:8443', path: '/a%2Fb', query: 'x=1' })
    expect(fieldValues(view.fields, 'x-a')).toEqual(['1'])
  })

  it('tell that there is no query, and http from https', () => {
    expect(requestViewOfRequest(new Request('http://localhost/'))).toMatchObject({
      scheme: 'http',
      path: '/',
      query: undefined,
      body: null,
    })
  })

  it('HMS-2.1-01: refuse another scheme', () => {
    expect(codeOf(() => requestViewOfRequest(new Request('data:,x')))).toBe('ERR_MESSAGE_MALFORMED')
  })

  it('show a response', async () => {
    const view = responseViewOfResponse(new Response('hi', { status: 201, headers: { 'X-A': '1' } }))
    expect(view).toMatchObject({ kind: 'response', status: 201 })
    expect(await readBody(view.body)).toEqual(utf8('hi'))
  })
})

describe('readBody', () => {
  const stream = (...chunks: readonly unknown[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk as Uint8Array)
        controller.close()
      },
    })

  it.each([
    ['nothing', () => null, ''],
    ['octets', () => utf8('abc'), 'abc'],
    ['a stream of one piece', () => stream(utf8('abc')), 'abc'],
    ['a stream of several pieces', () => stream(utf8('ab'), utf8(''), utf8('c')), 'abc'],
    ['an empty stream', () => stream(), ''],
  ])('reads %s', async (_title, body, expected) => {
    expect(await readBody(body())).toEqual(utf8(expected))
  })

  it.each([
    ['octets', (text: string) => utf8(text)],
    ['a stream', (text: string) => stream(...[...text].map((letter) => utf8(letter)))],
  ])('DIG-2-02: reads up to the limit and no further: %s', async (_title, body) => {
    expect(await codeOfAsync(() => readBody(body('abc'), 3))).toBe('ok')
    expect(await codeOfAsync(() => readBody(body('abcd'), 3))).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
    expect(await codeOfAsync(() => readBody(body('a'), Number.NaN))).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
  })

  it('cancels a stream that goes beyond the limit', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel: () => {
        cancelled = true
      },
    })
    expect(await codeOfAsync(() => readBody(endless, 10_000))).toBe('ERR_MESSAGE_BODY_TOO_LARGE')
    expect(cancelled).toBe(true)
  })

  it('refuses a stream that breaks, holds no octets or was read before', async () => {
    const broken = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('reset')) })
    const used = stream(utf8('abc'))
    await readBody(used)
    for (const body of [broken, stream('text'), used]) expect(await codeOfAsync(() => readBody(body))).toBe('ERR_MESSAGE_MALFORMED')
  })
})
