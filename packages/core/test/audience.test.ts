import { describe, expect, it } from 'vitest'
import { createAudienceCheck } from '../src/index.ts'
import { codeOf } from './code-of.ts'

const ORIGIN = 'https://payments.shop.example'

describe('createAudienceCheck', () => {
  it.each([
    ['the target URI at a configured origin', ORIGIN, `${ORIGIN}/charges`, '/charges'],
    ['the root of a configured origin', ORIGIN, `${ORIGIN}/`, '/'],
    ['an alias, whatever the path', 'urn:payments', 'urn:payments', '/charges'],
    ['a URI with a path as it is', `${ORIGIN}/charges`, `${ORIGIN}/charges`, '/other'],
    ['one of several', ['urn:payments', ORIGIN], `${ORIGIN}/charges`, '/charges'],
  ])('WPT-3.1.7-03, SIG-3.2-06: accepts %s', (_title, audience, claimed, path) => {
    expect(createAudienceCheck(audience)(claimed, path)).toBe(true)
  })

  it.each([
    ['another origin', ORIGIN, 'https://orders.shop.example/charges', '/charges'],
    ['another scheme', ORIGIN, 'http://payments.shop.example/charges', '/charges'],
    ['another path', ORIGIN, `${ORIGIN}/refunds`, '/charges'],
    ['the origin alone', ORIGIN, ORIGIN, '/charges'],
    ['an origin that only begins alike', ORIGIN, `${ORIGIN}.evil.example/charges`, '/charges'],
    ['a query behind the path', ORIGIN, `${ORIGIN}/charges?a=1`, '/charges'],
    ['another spelling of an alias', 'urn:payments', 'urn:Payments', '/charges'],
    ['nothing', ORIGIN, '', '/charges'],
  ])('WPT-3.1.7-03, SIG-3.2-06: refuses %s', (_title, audience, claimed, path) => {
    expect(createAudienceCheck(audience)(claimed, path)).toBe(false)
  })

  it.each([[[]], [''], [['']], [['urn:payments', '']], [[7]], [undefined], [null], [7], [{ length: 1 }]])(
    'refuses a configuration of %j',
    (audience) => {
      expect(codeOf(() => createAudienceCheck(audience as unknown as string[]))).toBe('ERR_OPTIONS_INVALID')
    },
  )
})
