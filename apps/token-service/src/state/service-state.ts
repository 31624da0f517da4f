import { readFile } from 'node:fs/promises'
import { inMemoryReplayStore, type ReplayStore, type Runtime, WimseError } from '@wimse/core'
import { openRedis, redisReplayStore } from '@wimse/replay-redis'
import { type GrantUseStore, inMemoryGrantUseStore } from '@wimse/token-exchange'
import type { RedisStateConfig } from '../config/state-config.ts'
import type { TokenServiceConfig } from '../config/token-service-config.ts'
import type { RevocationStore } from '../revocation/revocation.ts'
import { memoryRevocations } from './memory-revocations.ts'
import { redisGrantUses } from './redis-grant-uses.ts'
import { redisRevocations } from './redis-revocations.ts'

/** What a token service remembers between requests. Instances that answer to one issuer have to share it. */
export interface ServiceState {
  readonly kind: 'memory' | 'redis'
  /** Proofs of clients. */
  readonly proofs: ReplayStore
  /** Grants that were redeemed, apart from proofs: nobody's proofs keep grants from being redeemed. */
  readonly usedGrants: ReplayStore
  readonly revocations: RevocationStore
  /** Uses of deferred grants. */
  readonly grantUses: GrantUseStore
  /** Whether it answers now. */
  reachable(): Promise<boolean>
  close(): Promise<void>
}

/** In this process: gone when it ends, and known to no other. */
function memoryState(capacity: number): ServiceState {
  return {
    kind: 'memory',
    proofs: inMemoryReplayStore({ capacity }),
    usedGrants: inMemoryReplayStore({ capacity }),
    revocations: memoryRevocations(),
    grantUses: inMemoryGrantUseStore({ capacity }),
    reachable: async () => true,
    close: async () => undefined,
  }
}

/**
 * Opens the state of a configuration.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a file or a Redis that can't be used, `ERR_INSECURE_CHANNEL`, `ERR_REPLAY_STORE_UNAVAILABLE`
 */
export async function openState({ state, replayCapacity }: TokenServiceConfig, runtime: Runtime): Promise<ServiceState> {
  const { redis } = state
  return redis === undefined ? memoryState(replayCapacity) : openRedisState(redis, runtime)
}

async function openRedisState(config: RedisStateConfig, runtime: Runtime): Promise<ServiceState> {
  const { prefix, timeoutMs, waitForReplicas: replicas, allowInsecureConnection } = config
  const url = config.urlFile === undefined ? (config.url ?? '') : await readText(config.urlFile, 'state.redis.urlFile')
  const ca = config.caFile === undefined ? undefined : await readText(config.caFile, 'state.redis.caFile')
  const tls = ca === undefined ? {} : { tls: { ca } }
  const connection = await openRedis({ url, timeoutMs, allowInsecureConnection, runtime, ...tls })
  const wait = replicas === 0 ? undefined : { replicas, timeoutMs: Math.floor(timeoutMs / 2) }
  const shared = { connection, timeoutMs, runtime, ...(wait !== undefined && { waitForReplicas: wait }) }
  return {
    kind: 'redis',
    proofs: await redisReplayStore({ ...shared, prefix: `${prefix}proof:` }),
    usedGrants: await redisReplayStore({ ...shared, prefix: `${prefix}grant:` }),
    revocations: redisRevocations({ connection, key: `${prefix}revoked`, ...(wait !== undefined && { wait }) }),
    grantUses: redisGrantUses({ connection, prefix: `${prefix}use:`, ...(wait !== undefined && { wait }) }),
    reachable: () =>
      connection.send([['PING']]).then(
        () => true,
        () => false,
      ),
    close: () => connection.close(),
  }
}

async function readText(path: string, option: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: `${option}: the file can not be read` })
  })
  return text.trim()
}
