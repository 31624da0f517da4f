import { type FieldLines, fieldValues, WimseError } from '@wimse/core'

/** The header field that carries a WIT (CRED-5.1.1-01), in lower case. */
export const WIT_FIELD = 'workload-identity-token'

/**
 * The WIT of a message: the value of the one Workload-Identity-Token field. Nothing in it has been verified.
 *
 * @throws WimseError `ERR_WIT_HEADER_COUNT`, `ERR_WIT_MISSING`
 */
export function readWitField(fields: FieldLines): string {
  // CRED-5.1.1-03: names in any case. CRED-5.1.1-04: the value as it is.
  const [token, ...others] = fieldValues(fields, WIT_FIELD)
  if (others.length > 0) throw new WimseError('ERR_WIT_HEADER_COUNT')
  if (token === undefined || token === '') throw new WimseError('ERR_WIT_MISSING')
  return token
}
