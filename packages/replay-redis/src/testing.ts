export { findRedis, type RedisServer, type RedisServerOptions, startRedisServer } from './testing/redis-server.ts'
