import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseStrictJsonObject } from '@wimse/core'
import { decodeTokenServiceConfig } from '@wimse/token-service'
import { describe, expect, it } from 'vitest'
import { parseServiceConfig } from '../src/index.ts'

const platform = { listen: { host: '127.0.0.1', port: 0 } }

async function read(path: string) {
  return parseStrictJsonObject(await readFile(join(import.meta.dirname, '../..', path)))
}

describe('the policies of the token services', () => {
  it.each(['tokens.shop.example', 'tokens.bank.example'])('%s is a configuration, once it is told where it runs', async (name) => {
    const policy = await read(`policies/${name}.json`)
    expect(decodeTokenServiceConfig({ ...policy, ...platform, health: { port: 0 }, workloadApi: 'unix:///run/api.sock' }).faults).toEqual(
      [],
    )
    expect(decodeTokenServiceConfig(policy).faults).toEqual([{ path: 'listen', expected: 'an object' }])
  })
})

describe('the configuration of a service', () => {
  it.each(['storefront', 'orders', 'fraud', 'payments', 'ledger'])('%s is one, once it is told where it runs', async (name) => {
    const config = parseServiceConfig({ ...(await read(`${name}/config.json`)), platform })
    expect(config).toMatchObject({ name, origin: expect.stringMatching(new RegExp(`^https://${name}[.]`)) })
    expect(Object.keys(config.peers)).toContain(config.tokens)
  })

  it.each([
    ['no place to run', { platform: undefined }, 'platform'],
    ['a port that is none', { platform: { listen: { host: '127.0.0.1', port: '1' } } }, 'platform.listen.port'],
    ['peers that are no texts', { peers: { 'https://a.example': 1 } }, 'https://a.example'],
    ['a WIT agent without an address', { platform: { ...platform, witAgent: {} } }, 'url'],
    ['bundles that are no list', { platform: { ...platform, witBundles: {} } }, 'witBundles'],
    ['no name', { name: '' }, 'name'],
  ])('is refused with %s', async (_title, changes, member) => {
    const document = { ...(await read('orders/config.json')), platform, ...changes }
    const refused = expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', detail: `configuration: ${member}` })
    expect(() => parseServiceConfig(document as Parameters<typeof parseServiceConfig>[0])).toThrow(refused)
  })
})
