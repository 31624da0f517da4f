import { type FieldLines, fieldValues, WimseError } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { WIT_FIELD } from '@wimse/wit'

/** What a request brings along, before anything of it is judged. */
export interface PresentedCredentials {
  readonly wit: boolean
  readonly wpt: boolean
  readonly signature: boolean
  readonly bearer: boolean
}

/** Looks which credentials and proofs a request has. A field that is there counts, however malformed: it is judged later and not skipped. */
export function presentedCredentials(fields: FieldLines): PresentedCredentials {
  const found = { wit: false, wpt: false, signature: false, bearer: false }
  for (const [line, value] of fields) {
    const name = line.toLowerCase()
    if (name === WIT_FIELD) found.wit = true
    else if (name === 'signature-input' || name === 'signature') found.signature = true
    else if (name === 'authorization') {
      if (/^[ \t]*wpt(?: |$)/i.test(value)) found.wpt = true
      else if (/^[ \t]*bearer(?: |$)/i.test(value)) found.bearer = true
    }
  }
  return found
}

/**
 * Refuses a WIT as a bearer token (CRED-5.1-13, WSVID-5-04), whatever else the request has. The type in the token's header decides on
 * nothing but this refusal.
 *
 * @throws WimseError `ERR_WIT_AS_BEARER`
 */
export function refuseWitAsBearer(fields: FieldLines): void {
  for (const value of fieldValues(fields, 'authorization')) {
    const typ = unverifiedTyp(value.slice(value.indexOf(' ') + 1).trim())
    if (typeof typ === 'string' && /^(?:application\/)?wit\+jwt$/i.test(typ)) throw new WimseError('ERR_WIT_AS_BEARER')
  }
}

function unverifiedTyp(token: string): unknown {
  try {
    return decodeUnverifiedJws(token).header['typ']
  } catch {
    return undefined
  }
}
