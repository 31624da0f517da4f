/** Where a workspace stands and what it may do. */
export interface Floor {
  /** Imports point from a higher floor to a lower one, never sideways. */
  readonly level: number
  /** Runs on every runtime: no `node:*` outside of its `./node` subpath (src/node.ts and src/node/). */
  readonly neutral?: true
}

/** The workspaces by name. `testing` stands beside the tower: it uses what it needs, and only tests, samples and apps use it. */
export const floors: Readonly<Record<string, Floor>> = {
  '@wimse/core': { level: 0, neutral: true },
  '@wimse/local-server': { level: 0 },
  '@wimse/keys': { level: 1, neutral: true },
  '@wimse/http-message-signatures': { level: 1, neutral: true },
  '@wimse/x509': { level: 1, neutral: true },
  '@wimse/trust': { level: 2, neutral: true },
  '@wimse/wit': { level: 3, neutral: true },
  '@wimse/jwt-svid': { level: 3, neutral: true },
  '@wimse/wpt': { level: 4, neutral: true },
  '@wimse/http-signature': { level: 4, neutral: true },
  '@wimse/message-proof': { level: 4, neutral: true },
  '@wimse/transaction-tokens': { level: 4, neutral: true },
  '@wimse/token-exchange': { level: 4, neutral: true },
  '@wimse/mutual-tls': { level: 4 },
  '@wimse/workload-api': { level: 4 },
  '@wimse/spire-api': { level: 4 },
  '@wimse/testing': { level: 4.5 },
  '@wimse/workload': { level: 5 },
  '@wimse/program': { level: 5 },
  '@wimse/replay-redis': { level: 5 },
  '@wimse/message-nats': { level: 5 },
  '@wimse/message-grpc': { level: 5 },
  '@wimse/token-service': { level: 6 },
  '@wimse/wit-agent': { level: 6 },
  '@wimse/shop-platform': { level: 6.3 },
  '@wimse/shop-login': { level: 6.6 },
  '@wimse/shop-storefront': { level: 6.6 },
  '@wimse/shop-orders': { level: 6.6 },
  '@wimse/shop-fraud': { level: 6.6 },
  '@wimse/shop-payments': { level: 6.6 },
  '@wimse/shop-settlement': { level: 6.6 },
  '@wimse/shop-ledger': { level: 6.6 },
  '@wimse/shop-concierge': { level: 6.6 },
  '@wimse/shop-buyer': { level: 6.6 },
  '@wimse/interop': { level: 7 },
}

/** Workspaces that no `src/` of a package may import, however high it stands. */
export const testOnly: readonly string[] = ['@wimse/testing']

/** Libraries that stand behind one package, so that they can be replaced in one place. */
export const soleImporters: Readonly<Record<string, string>> = {
  'structured-headers': '@wimse/http-message-signatures',
  '@redis/client': '@wimse/replay-redis',
  '@nats-io/jetstream': '@wimse/message-nats',
  '@nats-io/transport-node': '@wimse/message-nats',
}
