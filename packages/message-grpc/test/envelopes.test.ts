import fc from 'fast-check'
import { expect, it } from 'vitest'
import { onlyMessage } from '../src/envelopes.ts'
import { codeOf } from './support/world.ts'

const framed = (message: Uint8Array, flag = 0): Uint8Array => {
  const whole = new Uint8Array(5 + message.length)
  whole[0] = flag
  new DataView(whole.buffer).setUint32(1, message.length)
  whole.set(message, 5)
  return whole
}

async function* cut(octets: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

it('a message is the same, flag and length included, however its octets come', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(255), fc.integer({ min: 1, max: 64 }), async (message, flag, size) => {
      const whole = framed(message, flag)
      expect(await onlyMessage(cut(whole, size), 300)).toEqual(whole)
    }),
  ))

it.each<readonly [title: string, code: string, octets: Uint8Array]>([
  ['no message', 'ERR_MESSAGE_MALFORMED', new Uint8Array()],
  ['a part of a head', 'ERR_MESSAGE_MALFORMED', new Uint8Array([0, 0, 0])],
  ['a part of a message', 'ERR_MESSAGE_MALFORMED', framed(new Uint8Array(10)).subarray(0, 14)],
  ['two messages', 'ERR_MESSAGE_MALFORMED', new Uint8Array([...framed(new Uint8Array(1)), ...framed(new Uint8Array())])],
  ['one octet too many', 'ERR_MESSAGE_BODY_TOO_LARGE', framed(new Uint8Array(11))],
  ['the announcement of more than there can be', 'ERR_MESSAGE_BODY_TOO_LARGE', new Uint8Array([0, 255, 255, 255, 255])],
])('%s: %s', async (_title, code, octets) => {
  for (const size of [1, 4, 100]) expect(await codeOf(() => onlyMessage(cut(octets, size), 10))).toBe(code)
})

it('octets that come one by one are not walked again with each one', async () => {
  let walks = 0
  // What counts the octets that it holds anew for each one that comes asks all of them for their length.
  class Counted extends Uint8Array<ArrayBuffer> {
    override get byteLength(): number {
      walks += 1
      return super.byteLength
    }
  }
  async function* single(octets: Uint8Array): AsyncIterable<Uint8Array> {
    for (const octet of octets) yield Counted.of(octet)
  }
  const whole = framed(new Uint8Array(2000))
  expect(await onlyMessage(single(whole), 4000)).toEqual(whole)
  expect(walks).toBeLessThan(20 * whole.length)
})
