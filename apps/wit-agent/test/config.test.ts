import { formatFault } from '@wimse/program'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeWitAgentConfig, parseWitAgentConfig } from '../src/config/wit-agent-config.ts'

const least = {
  trustDomain: 'shop.example',
  server: { host: 'spire.internal', port: 8081 },
  bootstrapBundleFile: 'bundle.json',
  joinTokenFile: 'token',
  witEndpoint: { host: '0.0.0.0', port: 8443 },
  bundleEndpoint: { host: '0.0.0.0', port: 8444 },
}

describe('decodeWitAgentConfig', () => {
  it('takes the least there can be, and fills in the defaults', () => {
    expect(decodeWitAgentConfig(least)).toEqual({
      faults: [],
      config: {
        ...least,
        bundleEndpoint: { ...least.bundleEndpoint, refreshHintSeconds: 60 },
        identifier: 'spiffe://shop.example/wit-agent',
        dataDirectory: undefined,
        health: undefined,
        syncIntervalSeconds: 5,
      },
    })
  })

  it('takes a health endpoint on a unix socket or on the loopback interface', () => {
    expect(parseWitAgentConfig({ ...least, health: { socketPath: '/run/wit.sock' } }).health).toEqual({ socketPath: '/run/wit.sock' })
    expect(parseWitAgentConfig({ ...least, health: { port: 8090 } }).health).toEqual({ host: '127.0.0.1', port: 8090 })
  })

  it.each([
    ['nothing', undefined, ['']],
    ['a list', [], ['']],
    ['a trust domain in upper case', { ...least, trustDomain: 'Shop.example' }, ['trustDomain']],
    ['a port that is a text', { ...least, server: { host: 'x', port: '8081' } }, ['server.port']],
    ['a port out of range', { ...least, witEndpoint: { host: 'x', port: 70_000 } }, ['witEndpoint.port']],
    ['an unknown option', { ...least, witEndPoint: {} }, ['witEndPoint']],
    ['an unknown option inside', { ...least, server: { ...least.server, tls: false } }, ['server.tls']],
    ['an identifier of another trust domain', { ...least, identifier: 'spiffe://bank.example/wit-agent' }, ['identifier']],
    ['an identifier of another scheme', { ...least, identifier: 'wimse://shop.example/wit-agent' }, ['identifier']],
    ['a health endpoint for everybody', { ...least, health: { host: '0.0.0.0', port: 1 } }, ['health.host']],
    ['nothing to start from', { ...least, joinTokenFile: undefined }, ['joinTokenFile']],
    ['several faults', { ...least, server: {}, syncIntervalSeconds: 0 }, ['server.host', 'server.port', 'syncIntervalSeconds']],
  ])('names every fault of %s by its path', (_title, value, paths) => {
    const { config, faults } = decodeWitAgentConfig(value)
    expect(config).toBeUndefined()
    expect(faults.map(({ path }) => path)).toEqual(paths)
    expect(() => parseWitAgentConfig(value)).toThrowError(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
  })

  it('never throws, and quotes no value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { faults } = decodeWitAgentConfig(value)
        expect(faults.map(formatFault).every((line) => line.includes('expected'))).toBe(true)
      }),
    )
    const { faults } = decodeWitAgentConfig({ ...least, joinTokenFile: 7, trustDomain: 'S3CRET' })
    expect(faults.map(formatFault).join()).not.toContain('S3CRET')
  })
})
