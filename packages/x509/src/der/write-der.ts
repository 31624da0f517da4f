import { concatOctets, utf8, WimseError } from '@wimse/core'
import { DER } from './read-der.ts'

type Octets = Uint8Array<ArrayBuffer>

/** Encodes one element. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Octets {
  const content = concatOctets(contents)
  const { length } = content
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : length < 0x10000
          ? [tag, 0x82, length >> 8, length & 0xff]
          : [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return concatOctets([Uint8Array.from(head), content])
}

export const derSequence = (...elements: readonly Uint8Array[]): Octets => der(DER.sequence, ...elements)
export const derOctetString = (octets: Uint8Array): Octets => der(DER.octetString, octets)
export const derBitString = (octets: Uint8Array): Octets => der(DER.bitString, Uint8Array.of(0), octets)
export const derBoolean = (value: boolean): Octets => der(DER.boolean, Uint8Array.of(value ? 0xff : 0))
export const derUtf8 = (text: string): Octets => der(DER.utf8String, utf8(text))

/** SET OF: the elements in the order that DER demands. */
export function derSetOf(...elements: readonly Uint8Array[]): Octets {
  return der(DER.set, ...[...elements].sort(compareOctets))
}

function compareOctets(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** A non-negative INTEGER of a magnitude in octets. */
export function derUnsigned(magnitude: Uint8Array): Octets {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1
  const minimal = magnitude.subarray(start)
  if (minimal.length === 0) return der(DER.integer, Uint8Array.of(0))
  return (minimal[0] ?? 0) >= 0x80 ? der(DER.integer, Uint8Array.of(0), minimal) : der(DER.integer, minimal)
}

/** A small non-negative INTEGER. */
export function derInteger(value: number): Octets {
  return derUnsigned(Uint8Array.of((value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff))
}

/** An OBJECT IDENTIFIER in dotted form. */
export function derOid(dotted: string): Octets {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  const octets: number[] = []
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)]
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
    octets.push(...groups)
  }
  return der(DER.oid, Uint8Array.from(octets))
}

/** A BIT STRING of named bits, bit 0 lowest. */
export function derNamedBits(bits: number): Octets {
  if (bits === 0) return der(DER.bitString, Uint8Array.of(0))
  const count = 32 - Math.clz32(bits)
  const octets = new Uint8Array(1 + ((count + 7) >> 3))
  octets[0] = (8 - (count & 7)) & 7
  for (let index = 0; index < count; index += 1) {
    if ((bits & (1 << index)) !== 0) octets[1 + (index >> 3)] = (octets[1 + (index >> 3)] ?? 0) | (0x80 >> (index & 7))
  }
  return der(DER.bitString, octets)
}

/**
 * A time in seconds since the epoch: UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5).
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a time that neither can hold
 */
export function derTime(seconds: number): Octets {
  const date = new Date(Math.floor(seconds) * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'time of a certificate' })
  const text = `${date.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`
  return year < 2050 ? der(DER.utcTime, utf8(text.slice(2))) : der(DER.generalizedTime, utf8(text))
}
