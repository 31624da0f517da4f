import { describe, expect, test } from 'vitest'
import { createMemoryAdapter, MAX_ENTRIES } from '../src/memory-adapter.ts'

describe('what the provider keeps', () => {
  test('is found by its name, until its end', async () => {
    let now = 0
    const codes = createMemoryAdapter(() => now)('AuthorizationCode')
    await codes.upsert('1', { grantId: 'g' }, 60)
    now = 59_999
    expect(await codes.find('1')).toEqual({ grantId: 'g' })
    now = 60_000
    expect(await codes.find('1')).toBeUndefined()
  })

  test('is marked when it was used, and goes with its grant', async () => {
    const factory = createMemoryAdapter(() => 5000)
    const [codes, sessions] = [factory('AuthorizationCode'), factory('Session')]
    await codes.upsert('1', { grantId: 'g' }, 60)
    await codes.upsert('2', { grantId: 'h' }, 60)
    await sessions.upsert('1', { uid: 'u' }, 60)
    await codes.consume('1')
    expect(await codes.find('1')).toMatchObject({ consumed: 5 })
    await codes.revokeByGrantId('g')
    expect(await codes.find('1')).toBeUndefined()
    expect(await codes.find('2')).toBeDefined()
    expect(await sessions.findByUid('u')).toMatchObject({ uid: 'u' })
    await sessions.destroy('1')
    expect(await sessions.findByUid('u')).toBeUndefined()
  })

  test('is bounded: the oldest goes first', async () => {
    const sessions = createMemoryAdapter(() => 0)('Session')
    for (let id = 0; id <= MAX_ENTRIES; id += 1) await sessions.upsert(String(id), {}, 60)
    expect(await sessions.find('0')).toBeUndefined()
    expect(await sessions.find(String(MAX_ENTRIES))).toBeDefined()
  })
})
