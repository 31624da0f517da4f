import { describe, expect, it } from 'vitest'
import { workThrough } from '../src/work-through.ts'

async function* items(count: number): AsyncGenerator<number> {
  for (let item = 1; item <= count; item += 1) yield item
}

describe('workThrough', () => {
  it('handles everything, no more at a time than it has slots', async () => {
    let [busy, most] = [0, 0]
    const handled: number[] = []
    await workThrough(items(10), 3, async (item) => {
      busy += 1
      most = Math.max(most, busy)
      for (let turn = 0; turn < (item % 4) * 5; turn += 1) await Promise.resolve()
      busy -= 1
      handled.push(item)
    })
    expect([most, handled.toSorted((a, b) => a - b)]).toEqual([3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
  })

  it('goes on with the others while one takes long', async () => {
    const held = Promise.withResolvers<void>()
    const handled: number[] = []
    await workThrough(items(6), 2, async (item) => {
      if (item === 1) await held.promise
      handled.push(item)
      if (item === 6) held.resolve()
    })
    expect(handled).toEqual([2, 3, 4, 5, 6, 1])
  })
})
