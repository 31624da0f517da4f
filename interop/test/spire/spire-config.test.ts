import { describe, expect, it } from 'vitest'
import { renderAgentConfig, renderServerConfig, type ServerConfig } from '../../src/spire/spire-config.ts'

const server: ServerConfig = {
  trustDomain: 'shop.example',
  bind: { address: '127.0.0.1', port: 8081 },
  socketPath: '/base/server/admin.sock',
  dataDirectory: '/base/server',
  bundleEndpoint: { address: '127.0.0.1', port: 8443, profile: { type: 'https_spiffe' } },
  keyTypes: { ca: 'ec-p384', jwt: 'rsa-2048', wit: 'ec-p256' },
  caTtlSeconds: 120,
  x509SvidTtlSeconds: 60,
  jwtSvidTtlSeconds: 30,
  nodeSvidTtlSeconds: 90,
}

describe('renderServerConfig', () => {
  it('turns WIT-SVIDs on and passes key types and lifetimes', () => {
    expect(JSON.parse(renderServerConfig(server)).server).toMatchObject({
      trust_domain: 'shop.example',
      ca_key_type: 'ec-p384',
      jwt_key_type: 'rsa-2048',
      ca_ttl: '120s',
      default_x509_svid_ttl: '60s',
      default_jwt_svid_ttl: '30s',
      agent_ttl: '90s',
      experimental: { feature_flags: ['wit-svid'], wit_key_type: 'ec-p256' },
    })
  })

  it('serves the bundle by https_spiffe', () => {
    const { profile } = JSON.parse(renderServerConfig(server)).server.federation.bundle_endpoint
    expect(profile).toEqual({ https_spiffe: {} })
  })

  it('serves the bundle by https_web with a sync interval, without which the server does not start', () => {
    const profile = { type: 'https_web', certificatePath: '/c.pem', keyPath: '/k.pem' } as const
    const config = { ...server, bundleEndpoint: { ...server.bundleEndpoint, profile } }
    expect(JSON.parse(renderServerConfig(config)).server.federation.bundle_endpoint.profile).toEqual({
      https_web: {
        serving_cert_file: { cert_file_path: '/c.pem', key_file_path: '/k.pem', file_sync_interval: '10s' },
      },
    })
  })
})

describe('renderAgentConfig', () => {
  const agent = {
    trustDomain: 'shop.example',
    server: { host: '127.0.0.1', port: 8081 },
    socketPath: '/base/workload.sock',
    dataDirectory: '/base/agent',
    trustBundlePath: '/base/agent/trust-bundle.pem',
    joinTokenPath: '/base/agent/join-token',
    workloadKeyType: 'ec-p256',
    witMode: 'bridged',
  } as const

  it('names the token by its file, so that it is on no command line and in no configuration', () => {
    const { agent: rendered } = JSON.parse(renderAgentConfig({ ...agent, workloadAttestor: 'unix' }))
    expect(rendered).toMatchObject({ join_token_file: '/base/agent/join-token' })
    expect(rendered).not.toHaveProperty('join_token')
    expect(rendered).not.toHaveProperty('insecure_bootstrap')
  })

  it.each([
    ['unix', { unix: { plugin_data: { discover_workload_path: true } } }],
    ['docker', { docker: { plugin_data: {} } }],
  ] as const)('attests workloads by %s alone', (workloadAttestor, expected) => {
    expect(JSON.parse(renderAgentConfig({ ...agent, workloadAttestor })).plugins.WorkloadAttestor).toEqual(expected)
  })

  it.each([
    ['bridged', { sync_interval: '1s' }],
    ['native', { sync_interval: '1s', feature_flags: ['wit-svid'], enable_wit_svids: true }],
  ] as const)('serves WIT-SVIDs itself only where the agent can: %s', (witMode, expected) => {
    const rendered = JSON.parse(renderAgentConfig({ ...agent, workloadAttestor: 'unix', witMode }))
    expect(rendered.agent.experimental).toEqual(expected)
  })
})
