import { type ErrorCode, inMemoryDeliveryStore, WimseError } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { createWitVerifier } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MessageDelivery, MessageVerifierOptions, MessageView } from '../src/index.ts'
import { codeOf, createWorld, type Forgery, NOW, proved, type World } from './support/world.ts'

let world: World
let hash: (text: string) => string
beforeAll(async () => {
  world = await createWorld()
  hash = (text) => String(world.runtime.crypto.digestText('sha-256', text))
})

type Options = Partial<MessageVerifierOptions>

async function outcome(forgery: Forgery, options: Options): Promise<string> {
  return codeOf(world.verify(proved(world, await world.forge(forgery)), options))
}

describe('deliveries', () => {
  async function deliver(message: MessageView, position: string, options: Options): Promise<string> {
    const step = world.verify(message, options, { position })
    return step.then(
      ({ delivery }) => delivery,
      () => codeOf(step),
    )
  }

  it('a message that is delivered again is taken again, and a copy at another place is a replay', async () => {
    const deliveries = inMemoryDeliveryStore({ capacity: 10 })
    const message = proved(world, await world.forge())
    expect(await deliver(message, 'jobs:1', { deliveries })).toBe('new')
    expect(await deliver(message, 'jobs:1', { deliveries })).toBe('again')
    expect(await deliver(message, 'jobs:2', { deliveries })).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    expect(await deliver(message, 'jobs:1', { deliveries })).toBe('again')
  })

  it('of two senders with one jti both are accepted', async () => {
    const deliveries = inMemoryDeliveryStore({ capacity: 10 })
    const { signer } = await generateSigner('ES256', world.runtime)
    const credential = await world.issue(signer)
    const first = proved(world, await world.forge({ claims: { jti: 'same' } }))
    const second = proved({ ...world, credential }, await world.forge({ signer, claims: { jti: 'same', wth: hash(credential.token) } }))
    expect(await deliver(first, 'jobs:1', { deliveries })).toBe('new')
    expect(await deliver(second, 'jobs:2', { deliveries })).toBe('new')
  })

  it('a refused message uses up no jti', async () => {
    const deliveries = inMemoryDeliveryStore({ capacity: 10 })
    const faults: readonly Forgery[] = [
      { claims: { aud: 'a:x' } },
      { claims: { exp: 1 } },
      { message: { payload: 'x' } },
      { message: { content_type: '' } },
    ]
    for (const fault of faults) {
      const forgery = { ...fault, claims: { jti: 'kept', ...fault.claims } }
      expect(await outcome(forgery, { deliveries })).not.toBe('ok')
    }
    expect(deliveries.size).toBe(0)
    expect(await outcome({ claims: { jti: 'kept' } }, { deliveries })).toBe('ok')
  })

  it('a store that is full, out of reach or gives an unknown answer refuses', async () => {
    const deliveries = inMemoryDeliveryStore({ capacity: 1 })
    expect(await outcome({}, { deliveries })).toBe('ok')
    expect(await outcome({}, { deliveries })).toBe('ERR_REPLAY_STORE_FULL')
    const unreachable = { claim: () => Promise.reject(new WimseError('ERR_REPLAY_STORE_UNAVAILABLE')) }
    expect(await outcome({}, { deliveries: unreachable })).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    expect(await outcome({}, { deliveries: { claim: async () => 'other' as const } })).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    const unknown = { claim: () => true } as unknown as MessageVerifierOptions['deliveries']
    expect(await outcome({}, { deliveries: unknown })).toBe('ERR_MESSAGE_PROOF_REPLAYED')
  })

  it.each([
    ['no position', ''],
    ['a position without an end', 'a'.repeat(1025)],
    ['a number', 1],
  ])('%s is refused', async (_title, position) => {
    const message = proved(world, await world.forge())
    expect(await codeOf(world.verify(message, {}, { position } as MessageDelivery))).toBe('ERR_OPTIONS_INVALID')
  })

  it('without the time of the broker a message is judged now, and what waits too long expires', async () => {
    const other = await createWorld()
    const message = proved(other, await other.forge())
    other.runtime.advance(89)
    expect((await other.verify(message, {}, { takenAt: NOW })).takenAt).toBeUndefined()
    other.runtime.advance(1)
    expect(await codeOf(other.verify(message, {}, { takenAt: NOW }))).toBe('ERR_MESSAGE_PROOF_EXPIRED')
    await other.verify(proved(other, await other.forge({ claims: { iat: NOW + 90, exp: NOW + 150 } })))
    expect(other.deliveries.size).toBe(1)
  })
})

describe('with the time of the broker', () => {
  const options = { brokerTime: { trusted: true, maxAgeSeconds: 86_400 } } as const

  it('a message is good although its proof and its WIT have expired since', async () => {
    const other = await createWorld()
    const credential = await other.issue(other.credential.signer, 60)
    const message = proved({ ...other, credential }, await other.forge({ claims: { wth: hash(credential.token) } }))
    other.runtime.advance(80_000)
    const verified = await other.verify(message, options, { takenAt: NOW + 5 })
    expect(verified).toMatchObject({ takenAt: NOW + 5, delivery: 'new' })
    // It is no way to pass an expired WIT elsewhere.
    expect(verified.wit.refusedFrom).toBe(NOW + 90)
    expect(await codeOf(other.verifyWit(credential.token))).toBe('ERR_WIT_EXPIRED')
    expect(await codeOf(other.verify(message, {}, { takenAt: NOW + 5 }))).toBe('ERR_WIT_EXPIRED')
  })

  const rows: readonly (readonly [title: string, code: ErrorCode | 'ok', takenAt: number | undefined, forgery?: Forgery])[] = [
    ['taken within the tolerance of the proof', 'ok', NOW + 89],
    ['taken after the proof had expired', 'ERR_MESSAGE_PROOF_EXPIRED', NOW + 90],
    ['taken before the proof was made', 'ERR_MESSAGE_PROOF_NOT_YET_VALID', NOW - 31],
    ['taken after the WIT had expired', 'ERR_WIT_EXPIRED', NOW + 3630, { claims: { iat: NOW + 3630, exp: NOW + 3690 } }],
    ['taken at no known time', 'ERR_MESSAGE_PROOF_TAKEN_AT', undefined],
    ['taken at what is no time', 'ERR_MESSAGE_PROOF_TAKEN_AT', Number.NaN],
    ['taken in the future', 'ERR_MESSAGE_PROOF_TAKEN_AT', NOW + 50_031],
    ['taken too long ago', 'ERR_MESSAGE_PROOF_TOO_OLD', NOW + 50_000 - 86_400 - 1],
    ['taken before all time', 'ERR_MESSAGE_PROOF_TOO_OLD', Number.NEGATIVE_INFINITY],
  ]
  it.each(rows.map(([title, code, takenAt, forgery = {}]) => [title, code, takenAt, forgery] as const))(
    '%s: %s',
    async (_title, code, takenAt, forgery) => {
      const other = await createWorld()
      const message = proved(other, await other.forge(forgery))
      other.runtime.advance(50_000)
      expect(await codeOf(other.verify(message, options, takenAt === undefined ? {} : { takenAt }))).toBe(code)
    },
  )

  it('a clock of the broker that is a little ahead does no harm', async () => {
    expect(await codeOf(world.verify(proved(world, await world.forge()), options, { takenAt: NOW + 30 }))).toBe('ok')
  })

  it('a copy that was published while the proof lived is a replay for as long as it could be read', async () => {
    const other = await createWorld()
    const message = proved(other, await other.forge())
    expect(await codeOf(other.verify(message, options, { position: 'jobs:1', takenAt: NOW }))).toBe('ok')
    other.runtime.advance(86_400 + 89)
    expect(await codeOf(other.verify(message, options, { position: 'jobs:2', takenAt: NOW + 89 }))).toBe('ERR_MESSAGE_PROOF_REPLAYED')
    other.runtime.advance(1)
    expect(await codeOf(other.verify(message, options, { position: 'jobs:2', takenAt: NOW + 89 }))).toBe('ERR_MESSAGE_PROOF_TOO_OLD')
  })

  it('the anchors are those of now', async () => {
    const message = proved(world, await world.forge())
    const other = await createWorld()
    const verifyWit = createWitVerifier({ trust: other.trust, profile: 'wimse', runtime: world.runtime })
    expect(await codeOf(world.verify(message, { ...options, verifyWit }, { takenAt: NOW }))).toBe('ERR_WIT_SIGNATURE')
  })
})
