/** What one client may take of any server of this process. */
export const REQUEST_LIMITS = {
  /** Octets of a request's header section: a WIT and its proof are in it. */
  maxHeaderSize: 24_576,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
} as const
