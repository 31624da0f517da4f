import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatFault } from '@wimse/program'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTokenServiceConfig, parseTokenServiceConfig } from '../src/index.ts'
import { shopConfig } from './harness.ts'

const least = {
  trustDomain: 'shop.example',
  issuer: 'https://tokens.shop.example',
  listen: { host: '0.0.0.0', port: 8443 },
  clients: { admit: ['spiffe://shop.example/*'] },
}
const idp = { issuer: 'https://login.shop.example', jwksFile: 'idp.json' }

describe('decodeTokenServiceConfig', () => {
  it('takes the least there can be, which issues nothing, and a configuration with everything', () => {
    const { transactionTokens, accessTokens, keys, addresses } = parseTokenServiceConfig(least)
    expect([transactionTokens.rules, accessTokens.targets, keys.algorithm, addresses]).toEqual([[], [], 'ES256', {}])
    const { addresses: known } = parseTokenServiceConfig({ ...least, addresses: { 'login.shop.example': '::1' } })
    expect(known).toEqual({ 'login.shop.example': '::1' })
    expect(decodeTokenServiceConfig(shopConfig('/etc')).faults).toEqual([])
  })

  it('takes what the README shows', () => {
    const [, document = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')) ?? []
    expect(parseTokenServiceConfig(JSON.parse(document)).transactionTokens.rules).toHaveLength(1)
  })

  it.each([
    ['nothing', undefined, ['']],
    ['an issuer with a path', { ...least, issuer: 'https://shop.example/tokens' }, ['issuer']],
    ['an issuer without TLS', { ...least, issuer: 'http://tokens.shop.example' }, ['issuer']],
    ['nobody admitted', { ...least, clients: { admit: [] } }, ['clients.admit']],
    ['a pattern that is none', { ...least, clients: { admit: ['spiffe://*/a'] } }, ['clients.admit[0]']],
    ['a method that is none', { ...least, clients: { ...least.clients, methods: ['secret'] } }, ['clients.methods[0]']],
    ['health for everybody', { ...least, health: { host: '0.0.0.0', port: 1 } }, ['health.host']],
    ['an unknown option', { ...least, secret: 'x' }, ['secret']],
    ['an issuer without keys', { ...least, accessTokenIssuers: [{ issuer: idp.issuer }] }, ['accessTokenIssuers[0]']],
    ['keys over http', { ...least, accessTokenIssuers: [{ issuer: idp.issuer, jwksUri: 'http://a.example/' }] }, ['accessTokenIssuers[0]']],
    [
      'two issuers whose subjects could be mixed up',
      { ...least, accessTokenIssuers: [idp, { ...idp, issuer: 'https://b.example' }] },
      ['accessTokenIssuers[0].subjectPrefix', 'accessTokenIssuers[1].subjectPrefix'],
    ],
    [
      'a prefix that another one begins with',
      {
        ...least,
        accessTokenIssuers: [
          { ...idp, subjectPrefix: 'a' },
          { ...idp, issuer: 'https://b.example', subjectPrefix: 'ab' },
        ],
      },
      ['accessTokenIssuers[0].subjectPrefix'],
    ],
    ['a name in place of an address', { ...least, addresses: { 'login.shop.example': 'localhost' } }, ['addresses.login.shop.example']],
    ['too little room for proofs', { ...least, replayCapacity: 10 }, ['replayCapacity']],
    ['its own issuer', { ...least, accessTokenIssuers: [{ ...idp, issuer: least.issuer }] }, ['accessTokenIssuers[0].issuer']],
    [
      'unsigned subjects of anybody',
      {
        ...least,
        transactionTokens: { rules: [{ requesters: ['spiffe://a.example/b'], subjectTokenTypes: ['unsigned_json'], scope: {} }] },
      },
      ['transactionTokens.rules[0].subjects'],
    ],
    [
      'subjects of anybody that workloads name themselves',
      {
        ...least,
        transactionTokens: {
          rules: [{ requesters: ['spiffe://a.example/b'], subjectTokenTypes: ['access_token', 'self_signed'], scope: {} }],
        },
      },
      ['transactionTokens.rules[0].subjects'],
    ],
    [
      'a pattern of subjects that is none',
      { ...least, transactionTokens: { rules: [{ requesters: ['spiffe://a.example/b'], subjects: ['*/*'], scope: {} }] } },
      ['transactionTokens.rules[0].subjects'],
    ],
    [
      'two targets with one name',
      { ...least, accessTokens: { targets: [1, 2].map(() => ({ audience: 'a', allow: ['spiffe://a.example/b'] })) } },
      ['accessTokens.targets'],
    ],
    ['a Redis without an address', { ...least, state: { redis: {} } }, ['state.redis']],
    ['two addresses of a Redis', { ...least, state: { redis: { url: 'redis://127.0.0.1', urlFile: 'a' } } }, ['state.redis']],
    ['a Redis elsewhere without TLS', { ...least, state: { redis: { url: 'redis://redis.shop.example' } } }, ['state.redis']],
    ['no time for a Redis', { ...least, state: { redis: { url: 'redis://127.0.0.1', timeoutMs: 0 } } }, ['state.redis.timeoutMs']],
    ['a store that is none', { ...least, state: { file: 'x' } }, ['state.file']],
    ['an operator that is none', { ...least, revocation: { operators: ['*'] } }, ['revocation.operators[0]']],
    ['several faults', { ...least, trustDomain: 'X', listen: {} }, ['trustDomain', 'listen.host', 'listen.port']],
  ])('names every fault of %s by its path', (_title, value, paths) => {
    const { config, faults } = decodeTokenServiceConfig(value)
    expect(config).toBeUndefined()
    expect(faults.map(({ path }) => path)).toEqual(paths)
    expect(() => parseTokenServiceConfig(value)).toThrowError(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
  })

  it('never throws, and quotes no value', () => {
    const anything = fc.jsonValue()
    fc.assert(
      fc.property(anything, anything, anything, (clients, accessTokens, chaining) => {
        for (const value of [clients, { ...least, clients, accessTokens, chaining }]) {
          expect(
            decodeTokenServiceConfig(value)
              .faults.map(formatFault)
              .every((line) => line.includes('expected')),
          ).toBe(true)
        }
      }),
    )
    const { faults } = decodeTokenServiceConfig({ ...least, trustDomain: 'S3CRET', issuer: 'S3CRET' })
    expect(faults.map(formatFault).join()).not.toContain('S3CRET')
  })
})
