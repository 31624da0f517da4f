import { type DeliveryStore, type FieldLines, inMemoryDeliveryStore, utf8 } from '@wimse/core'
import type { VerifiedMessage } from '@wimse/message-proof'
import { createTestAuthority, createTestRuntime, type TestAuthority, type TestRuntime, trustAuthorities } from '@wimse/testing'
import { createWitVerifier, type WitCredential } from '@wimse/wit'
import {
  createDeliveryVerifier,
  type DeliveryVerifierOptions,
  type NatsBroker,
  type NatsDelivery,
  type NatsMessage,
  type PublishWithProofOptions,
  publishWithProof,
  type StoredMessage,
} from '../src/index.ts'
import type { NatsServer } from '../src/testing.ts'
import { SUBJECT, settlement } from './support.ts'

export const NAMESPACE = 'shop.example'
export const ORDERS = 'spiffe://shop.example/orders'
export const JOB: NatsMessage = {
  subject: SUBJECT,
  fields: [
    ['content-type', 'application/json'],
    ['priority', 'low'],
  ],
  payload: utf8('{"amount":10}'),
}

/** A sender, a broker, and what a recipient verifies by. The clock of both stands still, at the time of the broker's. */
export interface ProofWorld {
  readonly runtime: TestRuntime
  readonly broker: NatsBroker
  readonly server: NatsServer
  readonly authority: TestAuthority
  readonly credential: WitCredential
  readonly deliveries: DeliveryStore
  publish(message?: Partial<NatsMessage>, options?: Partial<PublishWithProofOptions>): Promise<StoredMessage>
  verify(delivery: NatsDelivery, options?: Partial<DeliveryVerifierOptions>): Promise<VerifiedMessage>
}

/** @param options `behindSeconds`: by how much the clock is behind that of the broker */
export async function proofWorld({
  behindSeconds = 0,
  ...options
}: Parameters<typeof settlement>[0] & { readonly behindSeconds?: number } = {}): Promise<ProofWorld> {
  const runtime = createTestRuntime({ now: Date.now() - behindSeconds * 1000 })
  const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const { credential } = await authority.issueWit(ORDERS)
  const verifyWit = createWitVerifier({ trust: trustAuthorities([authority]), profile: 'wit-svid', runtime })
  const deliveries = inMemoryDeliveryStore({ capacity: 1000 })
  const running = await settlement(options)
  return {
    ...running,
    runtime,
    authority,
    credential,
    deliveries,
    publish: (message, more) =>
      publishWithProof(
        running.broker,
        { ...JOB, ...message },
        { namespace: NAMESPACE, credential, boundFields: ['priority'], runtime, ...more },
      ),
    verify: (delivery, more) =>
      createDeliveryVerifier({
        namespace: NAMESPACE,
        subjects: SUBJECT,
        verifyWit,
        boundFields: ['priority'],
        deliveries,
        runtime,
        ...more,
      })(delivery),
  }
}

/** What whoever may publish does with a message that was delivered: the same one again, but for what is told. */
export function copyOf({ subject, fields = [], payload }: NatsDelivery, change: Partial<NatsMessage> = {}): NatsMessage {
  return { subject, fields: withoutNats(fields), payload, ...change }
}

/** Fields that can be published again. */
export function withoutNats(fields: FieldLines): FieldLines {
  return fields.filter(([name]) => !/^nats-/i.test(name))
}

/** The fields with another value for one, without it where there is none. */
export function withField(fields: FieldLines, name: string, ...values: readonly string[]): FieldLines {
  return [...fields.filter(([other]) => other !== name), ...values.map((value) => [name, value] as const)]
}
