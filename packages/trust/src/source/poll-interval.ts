import { type Runtime, WimseError } from '@wimse/core'

/** How often a bundle endpoint is asked, in seconds. */
export interface PollSeconds {
  /** Between two polls at least, whatever the bundle proposes; {@link DEFAULT_POLL_SECONDS} unless told. */
  readonly min?: number
  /** Between two polls at most. */
  readonly max?: number
  /** Where the bundle proposes nothing. */
  readonly default?: number
}

/** Bounds of the interval, and the interval for bundles without a refresh hint (FED-4.1-09, BUNDLE-6.1-03). */
export const DEFAULT_POLL_SECONDS: Required<PollSeconds> = { min: 5, max: 3600, default: 300 }

/** The interval that follows from a refresh hint, within bounds, in milliseconds (FED-4.1-08, BUNDLE-4.1.2-03, TDD-4-05). */
export type PollInterval = (refreshHintSeconds: number | undefined) => number

/**
 * Makes the rule of the interval. Each is shortened by up to a tenth, at random, so that the clients of an endpoint don't come together.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function pollInterval(seconds: PollSeconds, runtime: Pick<Runtime, 'randomBytes'>): PollInterval {
  const { min, max, default: fallback } = { ...DEFAULT_POLL_SECONDS, ...seconds }
  if (!(min > 0 && min <= max && fallback > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'pollSeconds' })
  return (hint) => {
    const jitter = 1 - (runtime.randomBytes(1)[0] ?? 0) / 2560
    return Math.max(min, Math.min(max, hint ?? fallback) * jitter) * 1000
  }
}
