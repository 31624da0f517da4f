import { WimseError } from './errors/wimse-error.ts'

/**
 * The audiences that a recipient answers to, from its configuration and never from the request (WPT-3.1.7-03, SIG-3.2-06).
 * A bare origin such as `https://payments.shop.example` stands for the target URIs there: the claimed audience has to be that origin
 * followed by the path of the request, so that a proof for one path is none for another. Any other value is an alias that is compared
 * as it is.
 */
export type Audience = string | readonly string[]

/** Whether a claimed audience means this recipient, for a request with this path. */
export type AudienceCheck = (claimed: string, path: string) => boolean

const ORIGIN = /^https?:\/\/[^/?#@\s]+$/

/**
 * Reads the configured audiences once.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` when there is none, or an empty one
 */
export function createAudienceCheck(audience: Audience): AudienceCheck {
  const values = typeof audience === 'string' ? [audience] : audience
  if (!Array.isArray(values) || values.length === 0 || values.some((value) => typeof value !== 'string' || value === '')) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'audience' })
  }
  const origins = values.filter((value) => ORIGIN.test(value))
  const aliases = new Set(values.filter((value) => !ORIGIN.test(value)))
  return (claimed, path) => aliases.has(claimed) || origins.some((origin) => claimed === `${origin}${path}`)
}
