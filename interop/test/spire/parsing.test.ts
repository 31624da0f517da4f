import { describe, expect, it } from 'vitest'
import { goBuildArguments } from '../../src/spire/build-spire.ts'
import { parseLdd } from '../../src/spire/container-images.ts'
import { withoutWitKeys } from '../../src/spire/rotate-authorities.ts'
import { demultiplex } from '../../src/spire/running-container.ts'
import { parseSelector } from '../../src/spire/workload-slot.ts'

describe('parseLdd', () => {
  it('finds the libraries and the loader, and nothing that has no file', () => {
    const output = [
      '\tlinux-vdso.so.1 (0x00007ffd5a3f0000)',
      '\tlibdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007f6f2c1f9000)',
      '\tlibmissing.so.1 => not found',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f6f2c20b000)',
      '',
    ].join('\n')
    expect(parseLdd(output)).toEqual(['/lib/x86_64-linux-gnu/libdl.so.2', '/lib64/ld-linux-x86-64.so.2'])
  })

  it('finds nothing for a static binary', () => {
    expect(parseLdd('\tstatically linked\n')).toEqual([])
  })
})

describe('demultiplex', () => {
  const frame = (stream: number, text: string): Buffer => {
    const header = Buffer.alloc(8)
    header.writeUInt8(stream, 0)
    header.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([header, Buffer.from(text)])
  }

  it('joins both streams in the order of their frames', () => {
    expect(demultiplex(Buffer.concat([frame(1, 'one\n'), frame(2, 'zwölf\n'), frame(1, 'three')]))).toBe('one\nzwölf\nthree')
  })

  it.each([0, 3, 8, 11])('bears a log that is cut off after %i bytes', (length) => {
    expect(() => demultiplex(frame(1, 'one\n').subarray(0, length))).not.toThrow()
  })
})

describe('withoutWitKeys', () => {
  it('takes the WIT keys and leaves the others', () => {
    const keys = { 'WIT-Signer-A': 'x', 'WIT-Signer-B': 'x', 'JWT-Signer-A': 'y', 'x509-CA-A': 'z' }
    expect(JSON.parse(withoutWitKeys(JSON.stringify({ keys })))).toEqual({
      keys: { 'JWT-Signer-A': 'y', 'x509-CA-A': 'z' },
    })
  })
})

describe('parseSelector', () => {
  it.each([
    ['unix:uid:58000', { type: 'unix', value: 'uid:58000' }],
    ['docker:label:org.wimse.workload:shop.example/orders', { type: 'docker', value: 'label:org.wimse.workload:shop.example/orders' }],
  ])('splits %s at the first colon', (selector, expected) => {
    expect(parseSelector(selector)).toEqual(expected)
  })

  it.each(['', 'unix', ':uid:1'])('refuses %j', (selector) => {
    expect(() => parseSelector(selector)).toThrow(TypeError)
  })
})

describe('goBuildArguments', () => {
  it('links statically on Linux, where the binaries also run in images without libraries', () => {
    expect(goBuildArguments('/out', 'linux').join(' ')).toContain('-extldflags "-static"')
    expect(goBuildArguments('/out', 'darwin').join(' ')).not.toContain('-static')
  })
})
