import type { SpireKeyType } from './spire-domain.ts'
import type { WitMode } from './spire-version.ts'

// SPIRE reads its configuration as HCL or as JSON. JSON needs no quoting rules of ours.

/** In the server's data directory. */
export const KEYS_FILE = 'keys.json'

export interface ServerConfig {
  readonly trustDomain: string
  readonly bind: { readonly address: string; readonly port: number }
  readonly socketPath: string
  readonly dataDirectory: string
  readonly bundleEndpoint: {
    readonly address: string
    readonly port: number
    readonly profile:
      | { readonly type: 'https_spiffe' }
      | { readonly type: 'https_web'; readonly certificatePath: string; readonly keyPath: string }
  }
  readonly keyTypes: { readonly ca: SpireKeyType; readonly jwt: SpireKeyType; readonly wit: SpireKeyType }
  readonly caTtlSeconds: number
  readonly x509SvidTtlSeconds: number
  readonly jwtSvidTtlSeconds: number
  readonly nodeSvidTtlSeconds: number
}

export interface AgentConfig {
  readonly trustDomain: string
  readonly server: { readonly host: string; readonly port: number }
  readonly socketPath: string
  readonly dataDirectory: string
  readonly trustBundlePath: string
  readonly joinTokenPath: string
  readonly workloadAttestor: 'unix' | 'docker'
  readonly workloadKeyType: SpireKeyType
  readonly witMode: WitMode
}

/** `server.conf`: WIT-SVIDs on, state and keys on disk, node attestation by join token, nothing slower than a second. */
export function renderServerConfig(config: ServerConfig): string {
  const { profile } = config.bundleEndpoint
  return render({
    server: {
      trust_domain: config.trustDomain,
      bind_address: config.bind.address,
      bind_port: config.bind.port,
      socket_path: config.socketPath,
      data_dir: config.dataDirectory,
      log_level: 'INFO',
      ca_key_type: config.keyTypes.ca,
      jwt_key_type: config.keyTypes.jwt,
      ca_ttl: seconds(config.caTtlSeconds),
      default_x509_svid_ttl: seconds(config.x509SvidTtlSeconds),
      default_jwt_svid_ttl: seconds(config.jwtSvidTtlSeconds),
      agent_ttl: seconds(config.nodeSvidTtlSeconds),
      // The suite attests two nodes of one address within a second.
      ratelimit: { attestation: false, signing: false },
      experimental: {
        feature_flags: ['wit-svid'],
        wit_key_type: config.keyTypes.wit,
        cache_reload_interval: '1s',
      },
      federation: {
        bundle_endpoint: {
          address: config.bundleEndpoint.address,
          port: config.bundleEndpoint.port,
          refresh_hint: '10s',
          profile:
            profile.type === 'https_spiffe'
              ? { https_spiffe: {} }
              : {
                  https_web: {
                    // Without a sync interval the server does not start.
                    serving_cert_file: {
                      cert_file_path: profile.certificatePath,
                      key_file_path: profile.keyPath,
                      file_sync_interval: '10s',
                    },
                  },
                },
        },
      },
    },
    plugins: {
      DataStore: {
        sql: {
          plugin_data: { database_type: 'sqlite3', connection_string: `${config.dataDirectory}/datastore.sqlite3` },
        },
      },
      KeyManager: { disk: { plugin_data: { keys_path: `${config.dataDirectory}/${KEYS_FILE}` } } },
      NodeAttestor: { join_token: { plugin_data: {} } },
    },
  })
}

/** `agent.conf`: the server authenticated from the first byte, entries synchronized every second. */
export function renderAgentConfig(config: AgentConfig): string {
  return render({
    agent: {
      trust_domain: config.trustDomain,
      server_address: config.server.host,
      server_port: config.server.port,
      socket_path: config.socketPath,
      data_dir: config.dataDirectory,
      log_level: 'INFO',
      trust_bundle_path: config.trustBundlePath,
      trust_bundle_format: 'pem',
      join_token_file: config.joinTokenPath,
      workload_x509_svid_key_type: config.workloadKeyType,
      experimental: {
        sync_interval: '1s',
        // Options of 1.16; an older agent refuses to start with what it doesn't know.
        ...(config.witMode === 'native' && { feature_flags: ['wit-svid'], enable_wit_svids: true }),
      },
    },
    plugins: {
      NodeAttestor: { join_token: { plugin_data: {} } },
      KeyManager: { memory: { plugin_data: {} } },
      WorkloadAttestor:
        config.workloadAttestor === 'unix' ? { unix: { plugin_data: { discover_workload_path: true } } } : { docker: { plugin_data: {} } },
    },
  })
}

function seconds(value: number): string {
  return `${value}s`
}

function render(config: object): string {
  return `${JSON.stringify(config, undefined, 2)}\n`
}
