import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isLeftover, ownerOf } from '../../src/spire/leftovers.ts'

describe('isLeftover', () => {
  it('is not what a running process owns', () => {
    expect(isLeftover(ownerOf(process.pid))).toBe(false)
  })

  it('is what an ended process of this machine owned', () => {
    const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }))
    expect(isLeftover(ownerOf(ended))).toBe(true)
  })

  it.each(['', '1', 'another-machine.example/1', `${ownerOf(1)}x`, ownerOf(-1), ownerOf(0)])('is not %j', (owner) => {
    expect(isLeftover(owner)).toBe(false)
  })
})
