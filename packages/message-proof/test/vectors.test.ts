import { readFileSync } from 'node:fs'
import { inMemoryDeliveryStore, utf8 } from '@wimse/core'
import { createTestRuntime } from '@wimse/testing'
import { staticTrust } from '@wimse/trust'
import { createWitVerifier } from '@wimse/wit'
import { describe, expect, it } from 'vitest'
import { type MessageVector, type MessageVectors, makeMessageVectors } from '../scripts/message-vectors.ts'
import { createMessageVerifier, type VerifiedMessage } from '../src/index.ts'

describe('vectors/message-proof.json', () => {
  const text = readFileSync(new URL('../vectors/message-proof.json', import.meta.url), 'utf8')
  const file = JSON.parse(text) as MessageVectors
  const { clockToleranceSeconds, maxLifetimeSeconds, destinations, profile } = file
  const runtime = createTestRuntime({ now: file.now * 1000 })
  const trust = staticTrust(file.trust, { runtime })
  const verifyWit = createWitVerifier({ trust, profile, clockToleranceSeconds, runtime })

  async function verify({ message, delivery, boundFields = [], brokerTime, acceptedBefore }: MessageVector): Promise<VerifiedMessage> {
    const verifyMessage = createMessageVerifier({
      verifyWit,
      destinations,
      boundFields,
      deliveries: inMemoryDeliveryStore({ capacity: 10 }),
      ...(brokerTime && { brokerTime }),
      clockToleranceSeconds,
      maxLifetimeSeconds,
      runtime,
    })
    const view = { kind: 'message', ...message, payload: utf8(message.payload) } as const
    if (acceptedBefore !== undefined) await verifyMessage(view, { ...delivery, position: acceptedBefore })
    return verifyMessage(view, delivery)
  }

  it('is what the generator makes', async () => {
    expect(JSON.parse(JSON.stringify(await makeMessageVectors(text)))).toEqual(JSON.parse(text))
  })

  it.each(file.vectors)('$title: $expect.result', async (vector) => {
    const { result, ...expected } = vector.expect
    if (result === 'accepted') expect(await verify(vector)).toMatchObject(expected)
    else await expect(verify(vector)).rejects.toMatchObject(expected)
  })
})
