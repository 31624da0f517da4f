import { WimseError } from '@wimse/core'
import type { Parameters } from './structured/parameter-value.ts'

/** The signature parameters that RFC 9421 defines, of their types. Others are in the map that these were read from. */
export interface SignatureParameters {
  /** Seconds since the epoch. */
  readonly created: number | undefined
  /** Seconds since the epoch. */
  readonly expires: number | undefined
  readonly nonce: string | undefined
  readonly alg: string | undefined
  readonly keyid: string | undefined
  readonly tag: string | undefined
}

/**
 * Reads the parameters that RFC 9421 defines: integers of seconds (HMS-2.3-04) and Strings (HMS-2.3-05). Unknown ones are nobody's
 * business here.
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER`
 */
export function readSignatureParameters(parameters: Parameters): SignatureParameters {
  return {
    created: seconds(parameters, 'created'),
    expires: seconds(parameters, 'expires'),
    nonce: text(parameters, 'nonce'),
    alg: text(parameters, 'alg'),
    keyid: text(parameters, 'keyid'),
    tag: text(parameters, 'tag'),
  }
}

function seconds(parameters: Parameters, name: string): number | undefined {
  const value = parameters.get(name)
  if (value === undefined || typeof value === 'number') return value
  throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { detail: name })
}

function text(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name)
  if (value === undefined || typeof value === 'string') return value
  throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER', { detail: name })
}
