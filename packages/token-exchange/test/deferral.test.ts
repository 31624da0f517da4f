import type { ErrorCode, JsonObject } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import {
  canonicalJson,
  type Deferral,
  deferredGrantRequest,
  formatDeferral,
  formatParameterLimits,
  hashOfParameters,
  MAX_DEFERRED_USES,
  MAX_LIMITED_PARAMETERS,
  MAX_PARAMETERS_DEPTH,
  MAX_PURPOSE_LENGTH,
  type ParameterLimits,
  parseDeferral,
  parseParameterLimits,
  parseTokenExchangeRequest,
  redemptionRequest,
  TOKEN_TYPES,
  withinLimits,
} from '../src/index.ts'
import { codeOf, createWorld, ENDPOINT, NOW, SHOP } from './support/world.ts'

const WORKER = 'spiffe://shop.example/settlement/*'
const least = { worker: WORKER, action: 'settle', parameters: {}, end: NOW + 60 }

describe('canonical JSON', () => {
  it.each([
    ['members in order, at every depth', { b: [{ d: 1, c: null }], a: 'x' }, '{"a":"x","b":[{"c":null,"d":1}]}'],
    [
      'members in the order of UTF-16 code units (RFC 8785 section 3.2.3)',
      { '\u{1f600}': 1, '\ufb33': 2, é: 3, '1': 4 },
      '{"1":4,"é":3,"\u{1f600}":1,"\ufb33":2}',
    ],
    ['numbers in one form (RFC 8785 section 3.2.2.3)', [1.0, -0, 1e-7, 1e3, 0.1], '[1,0,1e-7,1000,0.1]'],
    ['texts with few escapes', ['\n"\\', '\u20ac'], '["\\n\\"\\\\","\u20ac"]'],
    ['nothing of undefined members', { a: undefined, b: true }, '{"b":true}'],
  ] as readonly (readonly [string, unknown, string])[])('has %s', (_title, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])
  it.each([
    ['a whole number beyond 2^53', 2 ** 53],
    ['a number that is none', Number.NaN],
    ['a number without end', [Number.POSITIVE_INFINITY]],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['the name __proto__', JSON.parse('{"__proto__":1}')],
    ['undefined', undefined],
    ['undefined in a list', [undefined]],
    ['a hole in a list', new Array(1)],
    ['a function', { a: () => 1 }],
    ['a big integer', 1n],
    ['a date', new Date(0)],
    ['a value that says itself what it is', { toJSON: () => 1 }],
    ['more levels than the limit', deep(MAX_PARAMETERS_DEPTH + 1)],
  ] as readonly (readonly [string, unknown])[])('refuses %s', async (_title, value) => {
    expect(await codeOf(() => canonicalJson(value))).toBe('ERR_EXCHANGE_PARAMETER_MALFORMED')
  })

  it('takes as many levels as the limit', () => {
    expect(canonicalJson(deep(MAX_PARAMETERS_DEPTH))).toBe('[[[[[[[[1]]]]]]]]')
  })

  it('is what parameters are hashed by, which are an object', async () => {
    const { runtime } = await createWorld()
    expect(await hashOfParameters({ b: 1, a: 2 }, runtime)).toBe(await hashOfParameters({ a: 2, b: 1 }, runtime))
    expect(await hashOfParameters({ a: 1, b: 2 }, runtime)).not.toBe(await hashOfParameters({ a: 2, b: 1 }, runtime))
    for (const value of [[], null, 'a', undefined]) {
      expect(await codeOf(() => hashOfParameters(value, runtime))).toBe('ERR_EXCHANGE_PARAMETER_MALFORMED')
    }
  })
})

describe('limits', () => {
  const limits: ParameterLimits = { amount: { atMost: 100 }, sku: { equals: ['a', { b: 1 }] } }

  it('are formatted and read as they were', () => {
    expect(formatParameterLimits(limits)).toEqual({ amount: { at_most: 100 }, sku: { equals: ['a', { b: 1 }] } })
    expect(parseParameterLimits(formatParameterLimits(limits))).toEqual(limits)
    expect(parseParameterLimits({ a: { equals: null } })).toEqual({ a: { equals: null } })
  })

  it.each([
    ['at the limit', { amount: 100, sku: ['a', { b: 1 }] }, true],
    ['of nothing, which is within', { amount: 0, sku: ['a', { b: 1 }] }, true],
    ['with others that no limit is about', { amount: 1, sku: ['a', { b: 1 }], note: 'x' }, true],
    ['above the limit', { amount: 100.01, sku: ['a', { b: 1 }] }, false],
    ['below zero', { amount: -1, sku: ['a', { b: 1 }] }, false],
    ['with a text that looks like a number', { amount: '1', sku: ['a', { b: 1 }] }, false],
    ['with another value', { amount: 1, sku: ['a', { b: 2 }] }, false],
    ['without one of them', { sku: ['a', { b: 1 }] }, false],
    ['with one that every object has', { amount: 1 }, false],
  ] as readonly (readonly [string, JsonObject, boolean])[])('hold or not for parameters %s', (_title, parameters, holds) => {
    expect(withinLimits(parameters, limits)).toBe(holds)
  })

  it('are about own members alone', () => {
    expect(withinLimits({}, { toString: { equals: null } })).toBe(false)
  })

  it.each([
    ['nothing', undefined],
    ['a list', []],
    ['none', {}],
    ['too many', Object.fromEntries(Array.from({ length: MAX_LIMITED_PARAMETERS + 1 }, (_, index) => [`a${index}`, { equals: 1 }]))],
    ['a limit that is none', { a: 1 }],
    ['a limit without a kind', { a: {} }],
    ['a limit of another kind', { a: { at_least: 1 } }],
    ['a limit of two kinds', { a: { at_most: 1, equals: 1 } }],
    ['a limit below zero', { a: { at_most: -1 } }],
    ['a limit that is a text', { a: { at_most: '1' } }],
    ['a limit without end', { a: { at_most: Number.POSITIVE_INFINITY } }],
    ['a value without canonical form', { a: { equals: 2 ** 60 } }],
    ['an empty name', { '': { equals: 1 } }],
  ] as readonly (readonly [string, unknown])[])('are refused: %s', async (_title, value) => {
    expect(await codeOf(() => parseParameterLimits(value))).toBe('ERR_EXCHANGE_PARAMETER_MALFORMED')
  })
})

describe('a deferral', () => {
  it('is formatted and read as it was, with one use unless told', () => {
    const deferral: Deferral = {
      worker: WORKER,
      action: 'settle',
      limits: { amount: { atMost: 3 } },
      uses: 7,
      notBefore: NOW + 1,
      end: NOW + 2,
      purpose: 'nächtliche Nachbestellung',
    }
    expect(parseDeferral(formatDeferral(deferral))).toEqual(deferral)
    expect(parseDeferral(formatDeferral(least))).toEqual({ ...least, uses: 1 })
  })

  it.each([
    ['nothing', undefined, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['a text', 'x', 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an unknown member', { ...least, note: 1 }, 'ERR_EXCHANGE_PARAMETER_UNKNOWN'],
    ['no worker', { ...least, worker: undefined }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['a worker that is none', { ...least, worker: 'settlement' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['anybody as a worker', { ...least, worker: '*' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a worker that is a number', { ...least, worker: 1 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no action', { ...least, action: undefined }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['an empty action', { ...least, action: '' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an action with a space', { ...least, action: 'settle it' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['neither parameters nor limits', { ...least, parameters: undefined }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['parameters and limits', { ...least, limits: { a: { equals: 1 } } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['parameters that are a list', { ...least, parameters: [] }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['parameters without canonical form', { ...least, parameters: { a: 2 ** 60 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['limits that are none', { ...least, parameters: undefined, limits: {} }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no use', { ...least, uses: 0 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['half a use', { ...least, uses: 1.5 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['too many uses', { ...least, uses: MAX_DEFERRED_USES + 1 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['uses as a text', { ...least, uses: '1' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no end', { ...least, end: undefined }, 'ERR_EXCHANGE_PARAMETER_MISSING'],
    ['an end as a text', { ...least, end: 'x' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an end before the epoch', { ...least, end: -1 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an end in fractions', { ...least, end: NOW + 0.5 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a start at its end', { ...least, not_before: NOW + 60 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a start as a text', { ...least, not_before: '1' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['an empty purpose', { ...least, purpose: '' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a purpose with a line break', { ...least, purpose: 'a\nb' }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a purpose that is too long', { ...least, purpose: 'a'.repeat(MAX_PURPOSE_LENGTH + 1) }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['a purpose that is a number', { ...least, purpose: 1 }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
  ] as readonly (readonly [string, unknown, ErrorCode])[])('is refused: %s', async (_title, value, code) => {
    expect(await codeOf(() => parseDeferral(value))).toBe(code)
  })
})

describe('the requests of clients', () => {
  const rules = { subjectTokenTypes: [TOKEN_TYPES.transactionToken, TOKEN_TYPES.deferredGrant] }
  const subjectToken = { token: 'a.b.c', type: TOKEN_TYPES.transactionToken }

  it('ask for a grant at its issuer', async () => {
    const request = deferredGrantRequest(ENDPOINT, { issuer: SHOP, subjectToken, scope: ['pay'], deferral: least })
    expect(await parseTokenExchangeRequest(request, rules)).toMatchObject({
      subjectToken,
      audiences: [SHOP],
      scope: ['pay'],
      requestedTokenType: TOKEN_TYPES.deferredGrant,
      requestDetails: { deferral: least },
    })
  })

  it('redeem one for a transaction token', async () => {
    const options = { grant: 'a.b.c', trustDomain: 'shop.example', scope: ['pay'], parameters: { amount: 3 } }
    const asked = await parseTokenExchangeRequest(redemptionRequest(ENDPOINT, { ...options, use: 'job-1' }), rules)
    expect(asked).toMatchObject({
      subjectToken: { token: 'a.b.c', type: TOKEN_TYPES.deferredGrant },
      audiences: ['shop.example'],
      requestedTokenType: TOKEN_TYPES.transactionToken,
      requestDetails: { use: 'job-1', parameters: { amount: 3 } },
    })
    expect((await parseTokenExchangeRequest(redemptionRequest(ENDPOINT, options), rules)).requestDetails).toEqual({
      parameters: { amount: 3 },
    })
  })

  it.each([
    ['an issuer that is none', { issuer: 'shop' }, 'ERR_OPTIONS_INVALID'],
    ['a deferral that is none', { deferral: { ...least, uses: 0 } }, 'ERR_EXCHANGE_PARAMETER_MALFORMED'],
    ['no scope', { scope: [] }, 'ERR_EXCHANGE_SCOPE'],
  ] as const)('are not made with %s', async (_title, changes, code) => {
    const options = { issuer: SHOP, subjectToken, scope: ['pay'], deferral: least, ...changes }
    expect(await codeOf(() => deferredGrantRequest(ENDPOINT, options))).toBe(code)
  })
})
