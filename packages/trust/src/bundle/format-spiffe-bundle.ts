import { isWimseError, recode, utf8, WimseError } from '@wimse/core'
import { decodeUnverifiedCertificate, jwkOfSpki } from '@wimse/x509'
import type { BundleContents, KeyAuthority } from '../trust-bundle.ts'
import { formatX5cValue } from './x5c.ts'

/** A SPIFFE bundle as JSON. */
export interface SpiffeBundleDocument {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
  readonly spiffe_sequence?: number
  readonly spiffe_refresh_hint?: number
}

/**
 * Formats a bundle as a SPIFFE bundle in UTF-8: `x509-svid`, `jwt-svid` and `wit-svid` entries, in the order of the input, with the
 * members that make each key and no others (BUNDLE-4.2-04). A WIT key without `kid`, which SPIFFE does not have, is written as the
 * `wimse-jwt` entry of trust-domain discovery. `parseSpiffeBundle` gives the same contents back, except for `authenticatedBy`.
 *
 * Not checked: whether the sequence number is higher than that of the bundle published before (BUNDLE-4.1.1-03).
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED` for what no bundle can hold: a certificate that can't be read, a JWT-SVID key without
 *   `kid`, a `kid` that occurs twice, a sequence or hint that is no whole number
 * @see SPIFFE Trust Domain and Bundle, section 4
 */
export function formatSpiffeBundle(contents: BundleContents): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(bundleDocument(contents)))
}

/** The document that {@link formatSpiffeBundle} writes. */
export function bundleDocument(contents: BundleContents): SpiffeBundleDocument {
  const { x509Authorities = [], jwtAuthorities = [], witAuthorities = [], sequence, refreshHintSeconds } = contents
  const kids = new Set<string>()
  const token = ({ jwk, keyId }: KeyAuthority, use: string): Readonly<Record<string, unknown>> => {
    if (keyId === undefined && use === 'jwt-svid') throw malformed('a key has no kid')
    if (keyId !== undefined && kids.has(keyId)) throw malformed('two keys have one kid')
    if (keyId !== undefined) kids.add(keyId)
    return { ...jwk, use: keyId === undefined ? 'wimse-jwt' : use }
  }
  for (const number of [sequence, refreshHintSeconds]) {
    if (number !== undefined && !(Number.isSafeInteger(number) && number >= 0)) throw malformed('sequence or refresh hint')
  }
  return {
    keys: [
      ...x509Authorities.map(certificateEntry),
      ...jwtAuthorities.map((authority) => token(authority, 'jwt-svid')),
      ...witAuthorities.map((authority) => token(authority, 'wit-svid')),
    ],
    ...(sequence === undefined ? {} : { spiffe_sequence: sequence }),
    ...(refreshHintSeconds === undefined ? {} : { spiffe_refresh_hint: refreshHintSeconds }),
  }
}

/** XSVID-6.1-01 to 6.1-05: one certificate, its key, no kid. */
function certificateEntry(der: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return { ...jwkOfSpki(decodeUnverifiedCertificate(der).publicKey), use: 'x509-svid', x5c: [formatX5cValue(der)] }
  } catch (error) {
    throw isWimseError(error) ? recode('ERR_TRUST_BUNDLE_MALFORMED', error) : error
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail })
}
