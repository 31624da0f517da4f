import { IncomingMessage } from 'node:http'
import type { RequestView } from '@wimse/core'
import type { ConnectionPeer } from '../authenticate/authenticated-peer.ts'
import { connectionPeerOf } from './connection-peer.ts'
import { requestViewOfIncoming } from './node-message.ts'

/** What `authenticate` of `@wimse/workload/hono` is told on Node. */
export interface NodeServerOptions {
  readonly rawRequest: (environment: unknown) => RequestView | undefined
  readonly connectionPeer: (environment: unknown) => Promise<ConnectionPeer | undefined>
}

/**
 * For Hono on `@hono/node-server`, whose environment holds the request of node:http: repeated header fields are seen apart, the path as it was
 * sent, and the peer of a connection of `@wimse/mutual-tls`. Spread it into the options.
 */
export const nodeServer: NodeServerOptions = {
  rawRequest(environment) {
    const incoming = incomingOf(environment)
    return incoming && requestViewOfIncoming(incoming)
  },
  async connectionPeer(environment) {
    const incoming = incomingOf(environment)
    return incoming && connectionPeerOf(incoming)
  },
}

function incomingOf(environment: unknown): IncomingMessage | undefined {
  if (typeof environment !== 'object' || environment === null || !('incoming' in environment)) return undefined
  return environment.incoming instanceof IncomingMessage ? environment.incoming : undefined
}
