import { constructedContext, context, type DerElement, malformed, readDerList } from '../der/read-der.ts'
import { readAscii } from '../der/read-values.ts'

/** The types of GeneralName that are told apart here. */
export type GeneralNameType = 'uri' | 'dns' | 'ip' | 'email' | 'directory' | 'other'

/** One GeneralName (RFC 5280 section 4.2.1.6). */
export interface GeneralName {
  readonly type: GeneralNameType
  /** The text of URI, DNS and e-mail names; empty for the other types. */
  readonly text: string
  readonly octets: Uint8Array
}

const TYPES: ReadonlyMap<number, GeneralNameType> = /* @__PURE__ */ new Map([
  [context(1), 'email'],
  [context(2), 'dns'],
  [constructedContext(4), 'directory'],
  [context(6), 'uri'],
  [context(7), 'ip'],
])

/** Reads one GeneralName. @throws WimseError `ERR_X509_MALFORMED` */
export function readGeneralName({ tag, content }: DerElement): GeneralName {
  if ((tag & 0xc0) !== 0x80 || (tag & 0x1f) > 8) return malformed('general name')
  const type = TYPES.get(tag) ?? 'other'
  const hasText = type === 'uri' || type === 'dns' || type === 'email'
  return { type, text: hasText ? readAscii(content) : '', octets: content }
}

/** Reads GeneralNames; at least one has to be there. IP addresses have four or sixteen octets. @throws WimseError `ERR_X509_MALFORMED` */
export function readGeneralNames(content: Uint8Array): readonly GeneralName[] {
  const names = readDerList(content).map(readGeneralName)
  if (names.length === 0) return malformed('no general name')
  for (const { type, octets } of names) if (type === 'ip' && octets.length !== 4 && octets.length !== 16) return malformed('IP address')
  return names
}

/** The text of an IP address: dotted, or the canonical form of RFC 5952 without the mixed notation. */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((octets[index * 2] ?? 0) << 8) | (octets[index * 2 + 1] ?? 0))
  let best = { start: 8, length: 1 }
  for (let start = 0; start < 8; start += 1) {
    let length = 0
    while (groups[start + length] === 0) length += 1
    if (length > best.length) best = { start, length }
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (best.start === 8) return text(groups)
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`
}

/**
 * The octets of an IP address in text form, without brackets; `undefined` where the text is none.
 *
 * @see RFC 4291 section 2.2
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const octets = text.split('.').map(Number)
    return octets.every((octet) => octet < 256) ? Uint8Array.from(octets) : undefined
  }
  if (!/^[0-9a-fA-F:]{2,39}$/.test(text)) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}
