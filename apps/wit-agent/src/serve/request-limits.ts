/** What one client may take of any of the agent's servers. */
export const REQUEST_LIMITS = {
  /** Octets of a request's header section. */
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
} as const
