import { WimseError } from '@wimse/core'

/** One element of DER: `raw` is the whole encoding, `content` the part after tag and length. Both are views, not copies. */
export interface DerElement {
  readonly tag: number
  readonly raw: Uint8Array
  readonly content: Uint8Array
}

/** Tags of DER that certificates use; `context(n)` and `constructedContext(n)` give the tagged ones. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** The tag of a primitive, context-specific element. */
export const context = (number: number): number => 0x80 | number
/** The tag of a constructed, context-specific element. */
export const constructedContext = (number: number): number => 0xa0 | number

/** @throws WimseError `ERR_X509_MALFORMED`, always */
export function malformed(detail: string): never {
  throw new WimseError('ERR_X509_MALFORMED', { detail })
}

/**
 * Reads the element at an offset: tags of one octet, definite and minimal lengths of at most three octets, content inside of the
 * input. BER's other forms are refused: what is signed has one encoding.
 *
 * @throws WimseError `ERR_X509_MALFORMED`
 */
function readDerAt(octets: Uint8Array, at: number): DerElement {
  const tag = octets[at]
  const first = octets[at + 1]
  if (tag === undefined || first === undefined) return malformed('DER ends early')
  if ((tag & 0x1f) === 0x1f) return malformed('DER tag')
  let start = at + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 3) return malformed('DER length form')
    length = 0
    for (let index = 0; index < count; index += 1) {
      const octet = octets[start + index]
      if (octet === undefined) return malformed('DER ends early')
      length = length * 256 + octet
    }
    if (length < 0x80 || length < 256 ** (count - 1)) return malformed('DER length is not minimal')
    start += count
  }
  const end = start + length
  if (end > octets.length) return malformed('DER ends early')
  return { tag, raw: octets.subarray(at, end), content: octets.subarray(start, end) }
}

/** Reads octets that are one element and nothing after it. @throws WimseError `ERR_X509_MALFORMED` */
export function readDer(octets: Uint8Array, tag: number): DerElement {
  const element = readDerAt(octets, 0)
  if (element.tag !== tag) return malformed('DER has another type')
  if (element.raw.length !== octets.length) return malformed('octets after the DER')
  return element
}

/** Reads every element of a content. @throws WimseError `ERR_X509_MALFORMED` */
export function readDerList(content: Uint8Array, maxElements = 1024): readonly DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < content.length; ) {
    if (elements.length === maxElements) return malformed('too many elements')
    const element = readDerAt(content, at)
    elements.push(element)
    at += element.raw.length
  }
  return elements
}

/** A cursor over the fields of a SEQUENCE. */
export interface DerFields {
  next(tag: number): DerElement
  /** The next field if it has this tag. */
  optional(tag: number): DerElement | undefined
  /** The next field of any tag. */
  any(): DerElement
  /** @throws WimseError when fields are left */
  end(): void
}

/** The fields of a constructed element, in order. Every method throws `ERR_X509_MALFORMED` where the next field doesn't fit. */
export function fieldsOf(element: DerElement): DerFields {
  const { content } = element
  let at = 0
  const any = (): DerElement => {
    const field = readDerAt(content, at)
    at += field.raw.length
    return field
  }
  return {
    any,
    next: (tag) => (content[at] === tag ? any() : malformed('a field has another type or is missing')),
    optional: (tag) => (content[at] === tag ? any() : undefined),
    end: () => {
      if (at !== content.length) malformed('fields after the last one')
    },
  }
}

/** Splits DER elements that follow one another, as the Workload API gives chains. @throws WimseError `ERR_X509_MALFORMED` */
export function splitDer(concatenated: Uint8Array): readonly Uint8Array[] {
  return readDerList(concatenated, 64).map((element) => {
    if (element.tag !== DER.sequence) return malformed('not a sequence')
    return element.raw.slice()
  })
}
