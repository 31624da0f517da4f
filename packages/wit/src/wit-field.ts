import { type FieldLines, fieldValues, WimseError } from '@wimse/core'

/** The header field that carries a WIT (CRED-5.1.1-01), in lower case. */
export const WIT_FIELD = 'workload-identity-token'

/**
 * The WIT of a message: the value of the one Workload-Identity-Token field. Nothing in it has been verified.
 *
 * @throws WimseError `ERR_WIT_MISSING`, `ERR_WIT_HEADER_COUNT`
 */
export function readWitField(fields: FieldLines): string {
  const [token, ...others] = fieldValues(fields, WIT_FIELD)
  if (token === undefined || token === '') throw new WimseError('ERR_WIT_MISSING')
  if (others.length > 0) throw new WimseError('ERR_WIT_HEADER_COUNT')
  return token
}
