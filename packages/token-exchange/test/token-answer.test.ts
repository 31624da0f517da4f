import { fieldLinesOfHeaders } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import { accessTokenAnswer, accessTokenResponse, TOKEN_TYPES, tokenExchangeAnswer, tokenExchangeResponse } from '../src/index.ts'

const issued = { token: 'a.b.c', expiresInSeconds: 60, scope: ['orders:place'] }
const exchanged = { ...issued, issuedTokenType: TOKEN_TYPES.transactionToken }

describe('an answer as octets', () => {
  it.each([
    ['of an exchange (TEX-2.2.1-01)', tokenExchangeAnswer(exchanged), tokenExchangeResponse(exchanged)],
    ['of a redeemed grant (CHN-2.4.3-01)', accessTokenAnswer(issued), accessTokenResponse(issued)],
  ])('%s is the response', async (_title, { status, fields, body }, response) => {
    expect(status).toBe(response.status)
    expect([...fields].toSorted()).toEqual([...fieldLinesOfHeaders(response.headers)].toSorted())
    expect(new TextDecoder().decode(body)).toBe(await response.text())
  })

  it.each([
    ['no token', { ...exchanged, token: '' }, 'ERR_OPTIONS_INVALID'],
    ['no lifetime', { ...exchanged, expiresInSeconds: 0 }, 'ERR_OPTIONS_INVALID'],
    ['a type that is no URI', { ...exchanged, issuedTokenType: 'txn_token' }, 'ERR_OPTIONS_INVALID'],
    ['a scope that is none', { ...exchanged, scope: ['a b'] }, 'ERR_EXCHANGE_SCOPE'],
  ])('is refused for %s, as the response is', (_title, options, code) => {
    for (const make of [tokenExchangeAnswer, tokenExchangeResponse]) {
      expect(() => make(options)).toThrow(expect.objectContaining({ code }))
    }
  })
})
