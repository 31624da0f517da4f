export { parseRedisUrl, type RedisAddress, type RedisTls } from './redis-address.ts'
export {
  DEFAULT_REDIS_TIMEOUT_MS,
  DEFAULT_START_TIMEOUT_MS,
  openRedis,
  type RedisConnection,
  type RedisConnectionOptions,
} from './redis-connection.ts'
export { type RedisDeliveryStore, redisDeliveryStore } from './redis-delivery-store.ts'
export { DEFAULT_CLOCK_SKEW_SECONDS, type RedisStoreOptions, type ReplicaWait } from './redis-entries.ts'
export { type RedisReplayStore, redisReplayStore } from './redis-replay-store.ts'
