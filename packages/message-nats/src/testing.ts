export { type LyingMessage, type NatsInsider, openNatsInsider } from './testing/nats-insider.ts'
export { findNatsServer, type NatsServer, type NatsServerOptions, startNatsServer } from './testing/nats-server.ts'
