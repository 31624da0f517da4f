import { decodeTokenServiceConfig } from '@wimse/token-service'
import { describe, expect, it } from 'vitest'
import { serviceConfig, withOrigins } from '../../src/world/service-config.ts'
import { shopServices } from '../../src/world/shop-services.ts'

const origins = new Map(shopServices.map(({ host }, index) => [`https://${host}`, `https://${host}:${20_000 + index}`]))
const place = {
  listen: { host: '127.0.0.1', port: 20_000 },
  workloadApi: 'unix:///run/api.sock',
  witBundles: [{ trustDomain: 'shop.example', url: 'https://127.0.0.1:9/bundle', endpointIdentifier: 'spiffe://shop.example/wit-agent' }],
  algorithm: 'ES256',
  origins,
  addresses: { 'login.shop.example': '127.0.0.1' },
  broker: 'nats://127.0.0.1:4223',
} as const
const bridged = { mode: 'bridged', url: 'https://127.0.0.1:8', agentIdentifier: 'spiffe://shop.example/wit-agent' } as const

describe('withOrigins', () => {
  it.each([
    ['an origin', '"https://orders.shop.example"', '"https://orders.shop.example:20004"'],
    ['an origin before a path', 'https://tokens.bank.example/jwks', 'https://tokens.bank.example:20001/jwks'],
    ['one that has a port already', 'https://orders.shop.example:1', 'https://orders.shop.example:1'],
    ['the origin of somebody else', 'https://web.shop.example/signed-in', 'https://web.shop.example/signed-in'],
    ['a longer name', 'https://orders.shop.example.org', 'https://orders.shop.example.org'],
    ['an identifier', 'spiffe://shop.example/orders', 'spiffe://shop.example/orders'],
  ])('knows %s', (_title, text, expected) => {
    expect(withOrigins(text, origins)).toBe(expected)
  })
})

describe('serviceConfig', () => {
  it.each(shopServices.map((service) => [service.name, service] as const))(
    'names the real origins for %s, and no other of them',
    async (_name, service) => {
      const text = await serviceConfig(service, { ...place, wit: bridged })
      for (const origin of origins.keys()) expect(text).not.toMatch(new RegExp(`${origin.replaceAll('.', '\\.')}[^:]`))
      if (service.kind === 'service') {
        const { platform } = JSON.parse(text)
        expect(platform).toEqual({
          listen: place.listen,
          workloadApi: place.workloadApi,
          witAgent: { url: bridged.url, identifier: bridged.agentIdentifier, algorithm: 'ES256' },
          witBundles: place.witBundles,
          addresses: place.addresses,
          broker: { url: place.broker, private: true },
        })
      } else expect(decodeTokenServiceConfig(JSON.parse(text)).faults).toEqual([])
    },
  )

  it('names no WIT agent where the Workload API serves WITs', async () => {
    for (const service of shopServices.filter(({ kind }) => kind === 'service')) {
      const { platform } = JSON.parse(
        await serviceConfig(service, { ...place, wit: { mode: 'native' }, witBundles: [], addresses: undefined, broker: undefined }),
      )
      expect(Object.keys(platform)).toEqual(['listen', 'workloadApi'])
    }
  })
})
