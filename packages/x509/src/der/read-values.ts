import { type DerElement, malformed } from './read-der.ts'

const HEX = /* @__PURE__ */ Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function formatHex(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) text += HEX[octet]
  return text
}

/** The octets of a hexadecimal constant of this package. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16))
}

/** The dotted form of an OBJECT IDENTIFIER's content. @throws WimseError `ERR_X509_MALFORMED` */
export function formatOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > 64) return malformed('object identifier')
  const arcs: string[] = []
  let arc = 0n
  let fresh = true
  for (const octet of content) {
    if (fresh && octet === 0x80) return malformed('object identifier')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    fresh = octet < 0x80
    if (!fresh) continue
    if (arcs.length === 0) {
      const root = arc < 80n ? arc / 40n : 2n
      arcs.push(String(root), String(arc - root * 40n))
    } else arcs.push(String(arc))
    arc = 0n
  }
  return fresh ? arcs.join('.') : malformed('object identifier')
}

/** The magnitude of a non-negative INTEGER without its leading zero. @throws WimseError `ERR_X509_MALFORMED` */
export function readUnsigned({ content }: DerElement): Uint8Array {
  const [first, second] = content
  if (first === undefined || first >= 0x80) return malformed('integer')
  if (first !== 0 || content.length === 1) return content
  return second !== undefined && second >= 0x80 ? content.subarray(1) : malformed('integer is not minimal')
}

/** A small non-negative INTEGER. @throws WimseError `ERR_X509_MALFORMED` */
export function readSmallInteger(element: DerElement): number {
  const octets = readUnsigned(element)
  if (octets.length > 3) return malformed('integer is too large')
  return octets.reduce((value, octet) => value * 256 + octet, 0)
}

/** A BOOLEAN, which DER writes as 0x00 or 0xff. @throws WimseError `ERR_X509_MALFORMED` */
export function readBoolean({ content }: DerElement): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) return malformed('boolean')
  return content[0] === 0xff
}

/** A BIT STRING of whole octets. @throws WimseError `ERR_X509_MALFORMED` */
export function readOctetsOfBitString({ content }: DerElement): Uint8Array {
  if (content[0] !== 0) return malformed('bit string')
  return content.subarray(1)
}

/** A BIT STRING of named bits as a number, bit 0 lowest; DER leaves trailing zero bits out. @throws WimseError `ERR_X509_MALFORMED` */
export function readNamedBits({ content }: DerElement): number {
  const unused = content[0]
  if (unused === undefined || unused > 7 || content.length > 3) return malformed('bit string')
  if (content.length === 1) return unused === 0 ? 0 : malformed('bit string')
  const last = content[content.length - 1] ?? 0
  if ((last & (1 << unused)) === 0 || (last & ((1 << unused) - 1)) !== 0) return malformed('bit string is not minimal')
  let bits = 0
  for (let index = 0; index < (content.length - 1) * 8; index += 1) {
    if (((content[1 + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0) bits |= 1 << index
  }
  return bits
}

/** Text of printable ASCII, as IA5String is used in names. @throws WimseError `ERR_X509_MALFORMED` */
export function readAscii(content: Uint8Array): string {
  let text = ''
  for (const octet of content) {
    // A NUL or a control character inside of a name has only ever served to deceive.
    if (octet < 0x20 || octet > 0x7e) return malformed('character in a name')
    text += String.fromCharCode(octet)
  }
  return text
}

const UTC_TIME = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
const GENERALIZED_TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/

/** A UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5, in seconds since the epoch. @throws WimseError `ERR_X509_MALFORMED` */
export function readTime(element: DerElement): number {
  const short = element.tag === 0x17
  if (!short && element.tag !== 0x18) return malformed('time')
  const parts = (short ? UTC_TIME : GENERALIZED_TIME).exec(readAscii(element.content))?.slice(1).map(Number)
  if (parts === undefined) return malformed('time')
  const [written = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  const year = short ? written + (written < 50 ? 2000 : 1900) : written
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const exact = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return exact ? date.getTime() / 1000 : malformed('time')
}
