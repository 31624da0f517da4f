import { describe, expect, it } from 'vitest'
import { createTally } from '../src/tally.ts'

describe('createTally', () => {
  it('adds up to the most, and not beyond, each name for itself', () => {
    const tally = createTally(10)
    expect([tally.add('a', 30, 45), tally.add('a', 16, 45), tally.add('a', 15, 45), tally.add('a', 1, 45), tally.add('b', 45, 45)]).toEqual(
      [true, false, true, false, true],
    )
  })

  it('takes back what came to nothing', () => {
    const tally = createTally(10)
    tally.add('a', 45, 45)
    tally.takeBack('a', 45)
    tally.takeBack('b', 45)
    expect([tally.add('a', 45, 45), tally.add('b', 46, 45)]).toEqual([true, false])
  })

  it('keeps the newest', () => {
    const tally = createTally(2)
    for (const name of ['a', 'b', 'c']) tally.add(name, 1, 1)
    expect([tally.add('c', 1, 1), tally.add('a', 1, 1)]).toEqual([false, true])
  })
})
