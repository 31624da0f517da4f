/** One member of a Dictionary field, not yet parsed beyond its key. */
export interface RawMember {
  readonly key: string
  /** What stands after the key and the equals sign; for a member without a value its parameters, if any. */
  readonly text: string
  readonly hasValue: boolean
}

const KEY_START = /[a-z*]/y
const KEY_REST = /[a-z0-9_\-.*]*/y

/**
 * Splits a Dictionary (RFC 9651 section 4.2.2) into its members, the text of each as it was received: the signature base takes
 * that text and no reconstruction of it. Commas inside of Strings don't separate. Keys may repeat: whoever calls judges that.
 *
 * @returns undefined for what can't be a Dictionary
 */
export function splitDictionary(field: string): readonly RawMember[] | undefined {
  const members: RawMember[] = []
  const end = field.length
  let at = skipSpaces(field, 0)
  if (at === end) return members
  for (;;) {
    KEY_START.lastIndex = at
    if (!KEY_START.test(field)) return undefined
    KEY_REST.lastIndex = at
    KEY_REST.test(field)
    const keyEnd = KEY_REST.lastIndex
    const stop = memberEnd(field, keyEnd)
    if (stop === -1) return undefined
    let textEnd = stop
    while (textEnd > keyEnd && isBlank(field.charCodeAt(textEnd - 1))) textEnd -= 1
    const hasValue = field[keyEnd] === '='
    if (!hasValue && textEnd > keyEnd && field[keyEnd] !== ';') return undefined
    members.push({ key: field.slice(at, keyEnd), text: field.slice(hasValue ? keyEnd + 1 : keyEnd, textEnd), hasValue })
    if (stop === end) return members
    at = stop + 1
    while (at < end && isBlank(field.charCodeAt(at))) at += 1
    if (at === end) return undefined
  }
}

/** Where the member ends: the next comma outside of a String, or the end; -1 when a String isn't closed. */
function memberEnd(field: string, from: number): number {
  let at = from
  for (;;) {
    const comma = field.indexOf(',', at)
    const quote = field.indexOf('"', at)
    if (quote === -1 || (comma !== -1 && comma < quote)) return comma === -1 ? field.length : comma
    at = stringEnd(field, quote)
    if (at === -1) return -1
  }
}

/** The position after the closing quote of the String that starts at `quote`; -1 when there is none. */
export function stringEnd(field: string, quote: number): number {
  let close = field.indexOf('"', quote + 1)
  while (close !== -1) {
    let before = close - 1
    while (field.charCodeAt(before) === 0x5c) before -= 1
    if (((close - before) & 1) === 1) return close + 1
    close = field.indexOf('"', close + 1)
  }
  return -1
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 0x20) at += 1
  return at
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
