import { WimseError } from '../errors/wimse-error.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const INVALID = 255
const VALUES = new Uint8Array(128).fill(INVALID)
for (let index = 0; index < ALPHABET.length; index += 1) VALUES[ALPHABET.charCodeAt(index)] = index

const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0))
const SCRATCH_CHARACTERS = 4096
const decoder = /* @__PURE__ */ new TextDecoder()
let scratch: Uint8Array | undefined

/** Formats octets as base64url without padding (RFC 7515 section 2). */
export function formatBase64url(octets: Uint8Array): string {
  const length = Math.ceil((octets.length * 4) / 3)
  // A text that is put together character by character costs several times as much. Nobody keeps the characters: one piece of memory serves.
  if (length <= SCRATCH_CHARACTERS) scratch ??= new Uint8Array(SCRATCH_CHARACTERS)
  const text = length <= SCRATCH_CHARACTERS && scratch !== undefined ? scratch.subarray(0, length) : new Uint8Array(length)
  let at = 0
  let index = 0
  for (; index + 2 < octets.length; index += 3) {
    const group = (octet(octets, index) << 16) | (octet(octets, index + 1) << 8) | octet(octets, index + 2)
    text[at] = character(group >> 18)
    text[at + 1] = character(group >> 12)
    text[at + 2] = character(group >> 6)
    text[at + 3] = character(group)
    at += 4
  }
  const rest = octets.length - index
  if (rest > 0) {
    const group = (octet(octets, index) << 16) | (rest === 2 ? octet(octets, index + 1) << 8 : 0)
    text[at] = character(group >> 18)
    text[at + 1] = character(group >> 12)
    if (rest === 2) text[at + 2] = character(group >> 6)
  }
  return decoder.decode(text)
}

function octet(octets: Uint8Array, index: number): number {
  return octets[index] as number
}

/** The character of the six lowest bits. */
function character(bits: number): number {
  return CODES[bits & 63] as number
}

/**
 * Parses base64url strictly: the alphabet of RFC 4648 section 5, no padding, no white space, and zero in the bits that no octet
 * uses, so that every octet string has one form.
 *
 * @throws WimseError `ERR_ENCODING_BASE64URL`
 */
export function parseBase64url(text: string): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(base64urlSize(text.length))
  decodeBase64url(text, 0, text.length, octets)
  return octets
}

/** How many octets so many characters stand for; of an impossible number of them `decodeBase64url` says so. */
export function base64urlSize(length: number): number {
  return (length * 3) >> 2
}

/**
 * Parses a part of a text as {@link parseBase64url} does, to the beginning of `target`, which has room for it.
 *
 * @throws WimseError `ERR_ENCODING_BASE64URL`
 */
export function decodeBase64url(text: string, start: number, end: number, target: Uint8Array): void {
  const rest = (end - start) & 3
  if (rest === 1) throw new WimseError('ERR_ENCODING_BASE64URL', { detail: 'impossible length' })
  const whole = end - rest
  let bad = 0
  let at = 0
  let index = start
  for (; index < whole; index += 4) {
    const a = sextet(text, index)
    const b = sextet(text, index + 1)
    const c = sextet(text, index + 2)
    const d = sextet(text, index + 3)
    bad |= a | b | c | d
    target[at] = (a << 2) | (b >> 4)
    target[at + 1] = (b << 4) | (c >> 2)
    target[at + 2] = (c << 6) | d
    at += 3
  }
  if (rest > 0) {
    const a = sextet(text, index)
    const b = sextet(text, index + 1)
    const c = rest === 3 ? sextet(text, index + 2) : 0
    bad |= a | b | c
    target[at] = (a << 2) | (b >> 4)
    if (rest === 3) target[at + 1] = (b << 4) | (c >> 2)
    if ((rest === 2 ? b & 15 : c & 3) !== 0) bad |= 64
  }
  if (bad > 63) throw new WimseError('ERR_ENCODING_BASE64URL', { detail: 'a character or trailing bits' })
}

/** The value of a character; over 63 for one that is not in the alphabet. */
function sextet(text: string, index: number): number {
  const code = text.charCodeAt(index)
  // Codes beyond ASCII keep a bit over 63, whatever the table says of their low bits.
  return (VALUES[code & 127] as number) | (code & ~127)
}
