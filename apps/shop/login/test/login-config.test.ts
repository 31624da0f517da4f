import { readFile } from 'node:fs/promises'
import { isWimseError, type JsonObject, parseStrictJsonObject } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeLoginConfig } from '../src/login-config.ts'

let sample: JsonObject
beforeAll(async () => {
  sample = parseStrictJsonObject(await readFile(new URL('../config.json', import.meta.url)))
})

describe('the configuration', () => {
  test('of the repository is complete; where it runs is optional', () => {
    const config = decodeLoginConfig(sample)
    expect(config).toMatchObject({ origin: 'https://login.shop.example', listen: { host: '0.0.0.0', port: 443 } })
    expect([...config.users.keys()]).toEqual(['ada', 'bob'])
  })

  test('has what whoever starts it adds', () => {
    const platform = { listen: { host: '127.0.0.1', port: 8443 }, workloadApi: 'unix:///run/api.sock', addresses: {} }
    expect(decodeLoginConfig({ ...sample, platform })).toMatchObject({ listen: { port: 8443 }, workloadApi: 'unix:///run/api.sock' })
  })

  test('may shorten access tokens', () => {
    expect(decodeLoginConfig({ ...sample, accessTokenSeconds: 60 })).toHaveProperty('accessTokenSeconds', 60)
    expect(decodeLoginConfig(sample)).not.toHaveProperty('accessTokenSeconds')
  })

  const faults: readonly (readonly [member: string, change: JsonObject])[] = [
    ['origin', { origin: 'http://login.shop.example' }],
    ['origin', { origin: 'https://login.shop.example/' }],
    ['client', { client: 'web' }],
    ['client.redirectUri', { client: { id: 'web' } }],
    ['resources', { resources: [] }],
    ['scope', { scope: 'shop:order' }],
    ['users.password', { users: { ada: {} } }],
    ['keyFile', { keyFile: '' }],
    ['accessTokenSeconds', { accessTokenSeconds: 601 }],
    ['accessTokenSeconds', { accessTokenSeconds: 0 }],
    ['platform.listen.port', { platform: { listen: { port: 70_000 } } }],
    ['platform.workloadApi', { platform: { workloadApi: 1 } }],
  ]
  test.each(faults)('with a fault in %s is refused', (member, change) => {
    expect(() => decodeLoginConfig({ ...sample, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', detail: member }),
    )
  })

  test('that is anything else throws coded errors alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(sample)), (value, member) => {
        for (const document of [value, { ...sample, [member]: value }]) {
          try {
            decodeLoginConfig(document)
          } catch (error) {
            if (!isWimseError(error)) throw error
          }
        }
      }),
    )
  })
})
