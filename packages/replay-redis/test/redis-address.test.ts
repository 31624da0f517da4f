import { isWimseError } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openRedis, parseRedisUrl } from '../src/index.ts'
import { codeOf } from './support.ts'

describe('the address of a Redis', () => {
  const plain = { port: 6379, tls: false, username: undefined, password: undefined, database: 0 }
  it.each([
    ['redis://127.0.0.1', { ...plain, host: '127.0.0.1' }],
    ['redis://localhost:7000/3', { ...plain, host: 'localhost', port: 7000, database: 3 }],
    ['redis://[::1]:7000/', { ...plain, host: '::1', port: 7000 }],
    ['rediss://redis.shop.example', { ...plain, host: 'redis.shop.example', tls: true }],
    ['rediss://a:b%2Fc@redis.shop.example', { ...plain, host: 'redis.shop.example', tls: true, username: 'a', password: 'b/c' }],
    ['rediss://:b@redis.shop.example', { ...plain, host: 'redis.shop.example', tls: true, password: 'b' }],
  ])('%s', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address)
  })

  it.each([
    '',
    'redis',
    'redis://',
    'http://a',
    'redis://a?b=c',
    'rediss://a#b',
    'rediss://a/b',
    'rediss://a/0/1',
    'rediss://a:x',
    'rediss://%ff@a',
  ])('refuses %j', async (url) => {
    expect(await codeOf(() => parseRedisUrl(url))).toBe('ERR_OPTIONS_INVALID')
  })

  it('in the clear is taken on the loopback interface alone, unless told', async () => {
    for (const host of ['redis.shop.example', '10.0.0.1', '127.example', '0.0.0.0']) {
      expect(await codeOf(() => parseRedisUrl(`redis://${host}`))).toBe('ERR_INSECURE_CHANNEL')
    }
    expect(parseRedisUrl('redis://redis.shop.example', { allowInsecureConnection: true })).toMatchObject({ tls: false })
  })

  it('is an address, or a coded error that quotes none of it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.string().map((text) => `rediss://${text}`),
        ),
        (url) => {
          try {
            parseRedisUrl(url)
          } catch (error) {
            expect(isWimseError(error)).toBe(true)
            expect(isWimseError(error) && error.detail).toMatch(/^(?:the address of Redis|redis: in place of rediss:)$/)
          }
        },
      ),
    )
  })
})

it.each([{ timeoutMs: Number.NaN }, { timeoutMs: 0 }, { startTimeoutMs: Number.NaN }])(
  'refuses a timeout that is none: %j',
  async (change) => {
    expect(await codeOf(openRedis({ url: 'redis://127.0.0.1:1', ...change }))).toBe('ERR_OPTIONS_INVALID')
  },
)
