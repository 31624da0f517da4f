import { type FieldLines, fieldValues, WimseError } from '@wimse/core'
import { WIMSE_TAG } from '@wimse/http-signature'
import { decodeUnverifiedJws } from '@wimse/keys'
import { WIT_FIELD } from '@wimse/wit'

/** What a request brings along, before anything of it is judged. */
export interface PresentedCredentials {
  readonly wit: boolean
  readonly wpt: boolean
  /** A signature of the WIMSE profile. Those of others, such as a proxy's, say nothing about the caller (SIG-5.2-01). */
  readonly signature: boolean
  /** Fields of a signature, whoever's it is and however malformed. */
  readonly signatureFields: boolean
  readonly bearer: boolean
  /** An Authorization field of any scheme but WPT. */
  readonly otherScheme: boolean
}

const LENGTHS: ReadonlySet<number> = new Set([WIT_FIELD, 'signature-input', 'signature', 'authorization'].map((name) => name.length))

/**
 * Looks which credentials and proofs a request has. A field that is there counts, however malformed: it is judged later and not skipped.
 * Proxy-Authorization is for someone else (WPT-2.2-06).
 */
export function presentedCredentials(fields: FieldLines): PresentedCredentials {
  const found = { wit: false, wpt: false, signature: false, signatureFields: false, bearer: false, otherScheme: false }
  for (const [line, value] of fields) {
    // Most fields are told apart by their length already.
    if (!LENGTHS.has(line.length)) continue
    const name = line.toLowerCase()
    if (name === WIT_FIELD) found.wit = true
    else if (name === 'signature') found.signatureFields = true
    else if (name === 'signature-input') {
      found.signatureFields = true
      // Strings of structured fields have escapes for quotes and backslashes alone: without this text there is no such tag.
      if (value.includes(WIMSE_TAG)) found.signature = true
    } else if (name === 'authorization') {
      if (/^[ \t]*wpt(?:[ \t,]|$)/i.test(value)) found.wpt = true
      else {
        found.otherScheme = true
        if (/^[ \t]*bearer(?:[ \t,]|$)/i.test(value)) found.bearer = true
      }
    }
  }
  return found
}

/**
 * Refuses a WIT in the Authorization field, whatever the scheme and whatever else the request has (CRED-5.1-13, WSVID-5-04). The type in
 * the token's header decides on nothing but this refusal.
 *
 * @throws WimseError `ERR_WIT_AS_BEARER`
 */
export function refuseWitAsBearer(fields: FieldLines): void {
  for (const value of fieldValues(fields, 'authorization')) {
    for (const part of value.split(/[\s,]+/)) {
      const typ = unverifiedTyp(part)
      if (typeof typ === 'string' && /^(?:application\/)?wit\+jwt$/i.test(typ)) throw new WimseError('ERR_WIT_AS_BEARER')
    }
  }
}

function unverifiedTyp(token: string): unknown {
  try {
    return decodeUnverifiedJws(token).header['typ']
  } catch {
    return undefined
  }
}
