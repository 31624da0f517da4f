/** Limits of bundle documents. */
export interface BundleLimits {
  /** Octets of a document; {@link DEFAULT_BUNDLE_MAX_BYTES} unless told. */
  readonly maxBytes?: number
  /** Entries of one bundle, skipped ones included; {@link DEFAULT_BUNDLE_MAX_KEYS} unless told. */
  readonly maxKeys?: number
}

export const DEFAULT_BUNDLE_MAX_BYTES = 1_048_576
export const DEFAULT_BUNDLE_MAX_KEYS = 256
