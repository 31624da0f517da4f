import { describe, expect, it } from 'vitest'
import { createOnce } from '../src/once.ts'

describe('createOnce', () => {
  it('does a thing once, and everybody gets the result, whenever they ask', async () => {
    const once = createOnce<number>(10)
    let acts = 0
    const act = async (): Promise<number> => ++acts
    const asked = await Promise.all([once('a', act), once('a', act), once('b', act)])
    expect([asked, await once('a', act), acts]).toEqual([[1, 1, 2], 1, 2])
  })

  it('forgets what failed, so that it is tried again', async () => {
    const once = createOnce<string>(10)
    await expect(once('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await once('a', async () => 'done')).toBe('done')
  })

  it('keeps the newest', async () => {
    const once = createOnce<string>(2)
    for (const name of ['a', 'b', 'c']) await once(name, async () => name)
    expect([await once('c', async () => 'again'), await once('a', async () => 'again')]).toEqual(['c', 'again'])
  })
})
