/** Octets that are drawn at a time, and most that a value takes of them. */
const DRAWN_OCTETS = 2048
const LARGEST_SHARE = 64

/**
 * Random octets for identifiers and nonces. A draw from the system costs more than the few octets that one value needs, so that small values are
 * shares of larger draws: each octet is given out once, and is nowhere but with its taker from then on.
 *
 * @param fill fills octets from the platform's generator
 */
export function createRandomSource(fill: (octets: Uint8Array<ArrayBuffer>) => void): (length: number) => Uint8Array<ArrayBuffer> {
  let drawn = new Uint8Array()
  let used = 0
  return (length) => {
    if (!(Number.isInteger(length) && length >= 0 && length <= LARGEST_SHARE)) {
      const octets = new Uint8Array(length)
      fill(octets)
      return octets
    }
    if (used + length > drawn.length) {
      // Put in place only when it is filled: a generator that fails gives nothing.
      const octets = new Uint8Array(DRAWN_OCTETS)
      fill(octets)
      drawn = octets
      used = 0
    }
    const share = drawn.slice(used, used + length)
    drawn.fill(0, used, used + length)
    used += length
    return share
  }
}
