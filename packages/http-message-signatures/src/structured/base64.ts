import { formatBase64url, isWimseError, parseBase64url } from '@wimse/core'

const FORM = /^[A-Za-z0-9+/]*={0,2}$/

/** Octets as base64 with padding, the form inside of a Byte Sequence (RFC 9651 section 4.1.8). */
export function formatBase64(octets: Uint8Array): string {
  const text = formatBase64url(octets).replaceAll('-', '+').replaceAll('_', '/')
  const rest = text.length & 3
  return rest === 0 ? text : rest === 2 ? `${text}==` : `${text}=`
}

/** Parses base64 in its one form: padded, zero in the bits that no octet uses; undefined for anything else. */
export function parseBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if ((text.length & 3) !== 0 || !FORM.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const unpadded = padding === 0 ? text : text.slice(0, -padding)
  try {
    return parseBase64url(unpadded.replaceAll('+', '-').replaceAll('/', '_'))
  } catch (error) {
    if (isWimseError(error)) return undefined
    throw error
  }
}
