import { isWimseError } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNatsUrl } from '../src/index.ts'
import { findNatsServer } from '../src/testing.ts'
import { codeOf } from './support.ts'

describe('the address of a NATS', () => {
  it.each([
    ['nats://127.0.0.1', { host: '127.0.0.1', port: 4222, tls: false }],
    ['nats://localhost:4333/', { host: 'localhost', port: 4333, tls: false }],
    ['nats://[::1]:4333', { host: '::1', port: 4333, tls: false }],
    ['tls://nats.shop.example', { host: 'nats.shop.example', port: 4222, tls: true }],
    ['tls://192.0.2.1:4333', { host: '192.0.2.1', port: 4333, tls: true }],
  ])('%s', (url, expected) => {
    expect(parseNatsUrl(url)).toEqual(expected)
  })

  it.each([
    ['in the clear', 'nats://nats.shop.example', 'ERR_INSECURE_CHANNEL'],
    ['in the clear, an address that begins like loopback', 'nats://127.0.0.1.shop.example', 'ERR_INSECURE_CHANNEL'],
    ['another scheme', 'http://127.0.0.1', 'ERR_OPTIONS_INVALID'],
    ['no scheme', '127.0.0.1:4222', 'ERR_OPTIONS_INVALID'],
    ['no host', 'nats://', 'ERR_OPTIONS_INVALID'],
    ['credentials', 'nats://user:secret@127.0.0.1', 'ERR_OPTIONS_INVALID'],
    ['a path', 'nats://127.0.0.1/stream', 'ERR_OPTIONS_INVALID'],
    ['a query', 'tls://nats.shop.example?tls=no', 'ERR_OPTIONS_INVALID'],
    ['a fragment', 'tls://nats.shop.example#a', 'ERR_OPTIONS_INVALID'],
    ['a port that is none', 'nats://127.0.0.1:70000', 'ERR_OPTIONS_INVALID'],
  ])('refused: %s', async (_title, url, code) => {
    expect(await codeOf(() => parseNatsUrl(url))).toBe(code)
  })

  it('beyond loopback in the clear only where told', () => {
    expect(parseNatsUrl('nats://nats.shop.example', { allowInsecureConnection: true })).toMatchObject({ tls: false })
  })

  it('is an address, or a coded error that quotes none of it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.string().map((rest) => `nats://${rest}`),
        ),
        (url) => {
          try {
            expect(parseNatsUrl(url, { allowInsecureConnection: true }).host).not.toBe('')
          } catch (error) {
            if (!isWimseError(error)) throw error
            expect(error.detail).toBe('the address of NATS')
          }
        },
      ),
    )
  })
})

it('a NATS for tests is found by name, in PATH, or it is said why not', async () => {
  expect(await findNatsServer({ WIMSE_NATS_SERVER: process.execPath })).toEqual({ binary: process.execPath })
  expect(await findNatsServer({ WIMSE_NATS_SERVER: '/nowhere' })).toEqual({ missing: expect.any(String) })
})
