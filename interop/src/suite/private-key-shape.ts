/** Where, in a run of base64 (either alphabet) or hexadecimal, the DER of a private key begins. */
export function privateKeyOffsets(run: string, encoding: 'base64' | 'hex'): readonly number[] {
  const starts = encoding === 'hex' ? /30/g : /M/g
  return [...run.matchAll(starts)]
    .map(({ index }) => index)
    .filter((index) => isPrivateKey(Buffer.from(run.slice(index, index + HEAD_CHARACTERS), encoding), octetsFrom(run, index, encoding)))
}

/** More than the head of any of the three forms needs. */
const HEAD_CHARACTERS = 64
const MIN_KEY_OCTETS = 40

function octetsFrom(run: string, index: number, encoding: 'base64' | 'hex'): number {
  const characters = run.length - index
  return Math.floor(encoding === 'hex' ? characters / 2 : (characters * 3) / 4)
}

/**
 * SEQUENCE { INTEGER 0 or 1, … }, then what only private keys have: an algorithm and an OCTET STRING (PKCS#8), an OCTET STRING (SEC 1),
 * or the INTEGERs of RSA (PKCS#1).
 */
function isPrivateKey(head: Buffer, available: number): boolean {
  const outer = readHeader(head, 0)
  if (outer === undefined || outer.tag !== 0x30 || outer.length < MIN_KEY_OCTETS || outer.content + outer.length > available) return false
  const [tag, length, version, next] = head.subarray(outer.content)
  if (tag !== 0x02 || length !== 1 || (version !== 0 && version !== 1)) return false
  if (next === 0x04) return version === 1
  const inner = readHeader(head, outer.content + 3)
  if (inner === undefined) return false
  if (next === 0x02) return version === 0 && inner.length >= 64
  return next === 0x30 && head[inner.content] === 0x06 && head[inner.content + inner.length] === 0x04
}

function readHeader(der: Buffer, offset: number): { readonly tag: number; readonly content: number; readonly length: number } | undefined {
  const tag = der[offset]
  const first = der[offset + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, content: offset + 2, length: first }
  const octets = first - 0x80
  if (octets < 1 || octets > 2 || der.length < offset + 2 + octets) return undefined
  return { tag, content: offset + 2 + octets, length: der.readUIntBE(offset + 2, octets) }
}
