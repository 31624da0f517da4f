const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const INVALID = 255
const VALUES = /* @__PURE__ */ new Uint8Array(128).fill(INVALID)
for (let index = 0; index < ALPHABET.length; index += 1) VALUES[ALPHABET.charCodeAt(index)] = index

/** Octets as base64 with padding, the form inside of a Byte Sequence (RFC 9651 section 4.1.8). */
export function formatBase64(octets: Uint8Array): string {
  let text = ''
  let index = 0
  for (; index + 2 < octets.length; index += 3) {
    const group = ((octets[index] ?? 0) << 16) | ((octets[index + 1] ?? 0) << 8) | (octets[index + 2] ?? 0)
    text += `${ALPHABET[group >> 18]}${ALPHABET[(group >> 12) & 63]}${ALPHABET[(group >> 6) & 63]}${ALPHABET[group & 63]}`
  }
  const rest = octets.length - index
  if (rest === 0) return text
  const group = ((octets[index] ?? 0) << 8) | (rest === 2 ? (octets[index + 1] ?? 0) : 0)
  const third = rest === 2 ? ALPHABET[(group & 15) << 2] : '='
  return `${text}${ALPHABET[group >> 10]}${ALPHABET[(group >> 4) & 63]}${third}=`
}

/** Parses base64 in its one form: padded, zero in the bits that no octet uses; undefined for anything else. */
export function parseBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const { length } = text
  if (length === 0) return new Uint8Array()
  if ((length & 3) !== 0) return undefined
  const padding = text.charCodeAt(length - 1) !== 0x3d ? 0 : text.charCodeAt(length - 2) !== 0x3d ? 1 : 2
  const whole = padding === 0 ? length : length - 4
  const octets = new Uint8Array((length >> 2) * 3 - padding)
  let bad = 0
  let at = 0
  for (let index = 0; index < whole; index += 4) {
    const a = sextet(text, index)
    const b = sextet(text, index + 1)
    const c = sextet(text, index + 2)
    const d = sextet(text, index + 3)
    bad |= a | b | c | d
    octets[at] = (a << 2) | (b >> 4)
    octets[at + 1] = (b << 4) | (c >> 2)
    octets[at + 2] = (c << 6) | d
    at += 3
  }
  if (padding > 0) {
    const a = sextet(text, whole)
    const b = sextet(text, whole + 1)
    const c = padding === 1 ? sextet(text, whole + 2) : 0
    bad |= a | b | c
    octets[at] = (a << 2) | (b >> 4)
    if (padding === 1) octets[at + 1] = (b << 4) | (c >> 2)
    if ((padding === 1 ? c & 3 : b & 15) !== 0) return undefined
  }
  return bad > 63 ? undefined : octets
}

function sextet(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 128 ? (VALUES[code] ?? INVALID) : INVALID
}
