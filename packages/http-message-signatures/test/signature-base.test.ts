import { type RequestView, type ResponseView, requestViewOfParts } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { type ComponentIdentifier, component, createSignatureBase, parseSignatures } from '../src/index.ts'

const request: RequestView = requestViewOfParts({
  method: 'POST',
  scheme: 'https',
  authority: 'Shop.Example:443',
  target: '/a%20b/c?x=1&y=a+b&y=2&fa%C3%A7ade%22%3A%20=something&empty=&bang=%21%7e',
  fields: [
    ['Host', 'ignored.example'],
    ['X-Two', ' one '],
    ['x-two', '\ttwo'],
    ['X-Empty', ''],
    ['X-Folded', 'a\r\n  b'],
    ['X-Dict', ' a=1,    b=2;x=1;y=2,   c=(a   b   c), d'],
    ['X-Newline', 'a\nb'],
    ['X-Latin', 'caf\u00e9'],
    ['X-Double', 'a=1, a=2'],
    ['X-Decimal', 'a=1.0'],
    ['Priority', 'u=1,  i'],
  ],
})
const response: ResponseView = { kind: 'response', status: 200, fields: [['X-Two', 'three']], body: null }

function line(identifier: ComponentIdentifier, message: RequestView | ResponseView = request, from?: RequestView): string {
  const base = createSignatureBase(message, [identifier], '()', {
    structuredFields: { 'x-dict': 'dictionary' },
    ...(from === undefined ? {} : { request: from }),
  })
  return base.slice(0, base.indexOf('\n'))
}

/** An identifier as a message could have it, which `component` would refuse to make. */
function received(text: string): ComponentIdentifier {
  const [parsed] = parseSignatures([
    ['signature-input', `s=(${text})`],
    ['signature', 's=:AAAA:'],
  ])
  const [identifier] = parsed?.components ?? []
  if (identifier === undefined) throw new Error('no component')
  return identifier
}

describe('values of components', () => {
  it.each([
    ['HMS-2.2.1-01', '"@method": POST', component('@method')],
    ['HMS-2.2.2-01', '"@target-uri": https://shop.example/a%20b/c?', component('@target-uri')],
    ['HMS-2.2.3-01', '"@authority": shop.example', component('@authority')],
    ['HMS-2.2.4-01', '"@scheme": https', component('@scheme')],
    ['HMS-2.2.5-01', '"@request-target": /a%20b/c?', component('@request-target')],
    ['HMS-2.2.6-01 HMS-2.2.6-03', '"@path": /a%20b/c', component('@path')],
    ['HMS-2.2.7-01 HMS-2.2.7-02', '"@query": ?x=1&y=a+b', component('@query')],
    ['HMS-2.2.8-01', '"@query-param";name="x": 1', component('@query-param', { name: 'x' })],
    [
      'HMS-2.2.8-05 name',
      '"@query-param";name="fa%C3%A7ade%22%3A%20": something',
      component('@query-param', { name: 'fa%C3%A7ade%22%3A%20' }),
    ],
    ['HMS-2.2.8-05 value', '"@query-param";name="bang": %21%7E', component('@query-param', { name: 'bang' })],
    ['HMS-2.2.8-06', '"@query-param";name="empty": ', component('@query-param', { name: 'empty' })],
    ['HMS-2.1-01 HMS-2.1-04 HMS-2.1-05 HMS-2.1-09 HMS-2.1-11', '"x-two": one, two', component('X-Two')],
    ['HMS-2.1-13', '"x-empty": ', component('x-empty')],
    ['HMS-2.1-10', '"x-folded": a b', component('x-folded')],
    ['HMS-2.1.3-02', '"x-two";bs: :b25l:, :dHdv:', component('x-two', { bs: true })],
    ['HMS-2.1-03', '"x-latin";bs: :Y2Fm6Q==:', component('x-latin', { bs: true })],
    ['HMS-2.1.1-02', '"x-dict";sf: a=1, b=2;x=1;y=2, c=(a b c), d', component('x-dict', { sf: true })],
    ['HMS-2.1.1-01 known type', '"priority";sf: u=1, i', component('priority', { sf: true })],
    ['HMS-2.1.2-01 item', '"x-dict";key="b": 2;x=1;y=2', component('x-dict', { key: 'b' })],
    ['HMS-2.1.2-03 inner list', '"x-dict";key="c": (a b c)', component('x-dict', { key: 'c' })],
    ['HMS-2.1.2-03 flag', '"x-dict";key="d": ?1', component('x-dict', { key: 'd' })],
  ])('%s: %s', (_id, expected, identifier) => {
    expect(line(identifier).startsWith(expected)).toBe(true)
  })

  it('HMS-2.2.7-03: the query of a request without one is a lone question mark', () => {
    expect(line(component('@query'), { ...request, query: undefined })).toBe('"@query": ?')
  })

  it('HMS-2.2.6-02: an empty path is a slash', () => {
    expect(line(component('@path'), { ...request, path: '' })).toBe('"@path": /')
  })

  it('HMS-2.2.9-01: the status of a response', () => {
    expect(line(component('@status'), response)).toBe('"@status": 200')
  })

  it('HMS-2.4-01 HMS-2.4-02: with req the value comes from the request', () => {
    expect(line(component('x-two', { req: true }), response, request)).toBe('"x-two";req: one, two')
    expect(line(component('@method', { req: true }), response, request)).toBe('"@method";req: POST')
  })
})

describe('components that are refused', () => {
  it.each([
    ['HMS-2.5-09', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', '"x-missing"'],
    ['HMS-2.1.2-06', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', '"x-dict";key="z"'],
    ['HMS-2.2.8-07', 'ERR_HTTP_MESSAGE_COMPONENT_MISSING', '"@query-param";name="z"'],
    ['HMS-2.2.8-08', 'ERR_HTTP_MESSAGE_COMPONENT_VALUE', '"@query-param";name="y"'],
    ['HMS-2-07', 'ERR_HTTP_MESSAGE_COMPONENT_VALUE', '"x-newline"'],
    ['HMS-2.5-12', 'ERR_HTTP_MESSAGE_COMPONENT_VALUE', '"x-latin"'],
    ['HMS-2.1.2-04 in the field', 'ERR_HTTP_MESSAGE_COMPONENT_VALUE', '"x-double";key="a"'],
    ['a decimal that can not be reserialized', 'ERR_HTTP_MESSAGE_COMPONENT_VALUE', '"x-decimal";key="a"'],
    ['HMS-2.1.1-04 type', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-two";sf'],
    ['HMS-2.1.4-01', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-two";tr'],
    ['HMS-2.5-05', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-two";what'],
    ['HMS-2.1-16 sf', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-dict";bs;sf'],
    ['HMS-2.1-16 key', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-dict";bs;key="a"'],
    ['HMS-2.5-14', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"@method";sf'],
    ['HMS-2.2.8-02', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"@query-param"'],
    ['a flag with another value', 'ERR_HTTP_MESSAGE_COMPONENT_PARAMETER', '"x-dict";bs=?0'],
    ['HMS-2.5-07', 'ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', '"@method";req'],
    ['HMS-2.2.9-02', 'ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE', '"@status"'],
    ['HMS-2.1-01', 'ERR_HTTP_MESSAGE_COMPONENT', '"X-Two"'],
    ['HMS-2.2-01', 'ERR_HTTP_MESSAGE_COMPONENT', '"method\u0020"'],
    ['HMS-2.5-08', 'ERR_HTTP_MESSAGE_COMPONENT', '"@unknown"'],
    ['HMS-2.3-02', 'ERR_HTTP_MESSAGE_COMPONENT', '"@signature-params"'],
  ])('%s: %s for %s', (_id, code, text) => {
    expect(() => line(received(text))).toThrow(expect.objectContaining({ code }))
  })

  it('HMS-2.2-03: components of requests are refused on a response', () => {
    expect(() => line(component('@path'), response)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_COMPONENT_INAPPLICABLE' }))
  })

  it('HMS-2.4-04: req without the request is refused', () => {
    const identifier = component('@path', { req: true })
    expect(() => line(identifier, response)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_COMPONENT_MISSING' }))
  })

  it.each([
    ['HMS-2-03', '"@method"', '"@method"'],
    ['HMS-2-06', '"x-dict";key="a";req', '"x-dict";req;key="a"'],
    ['HMS-2.1.2-04', '"x-dict";key="a"', '"x-dict";key="a";sf'],
  ])('%s: %s and %s are one component', (_id, a, b) => {
    const components = [received(a), received(b)]
    const message = a.includes('req') ? response : request
    expect(() => createSignatureBase(message, components, '()', { request })).toThrow(
      expect.objectContaining({ code: 'ERR_HTTP_MESSAGE_COMPONENT_DUPLICATE' }),
    )
  })

  it('HMS-2-04: other parameters make another component', () => {
    const components = [component('x-dict', { key: 'a' }), component('x-dict', { key: 'b' }), component('x-dict')]
    expect(createSignatureBase(request, components, '()').split('\n')).toHaveLength(4)
  })
})
