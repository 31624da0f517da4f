import {
  type FieldLines,
  formatBase64url,
  type InMemoryDeliveryStore,
  inMemoryDeliveryStore,
  isWimseError,
  type JsonObject,
  parseTrustDomain,
  utf8,
} from '@wimse/core'
import { generateSigner, type SignatureAlgorithm, type Signer } from '@wimse/keys'
import { createTestRuntime, TEST_EPOCH_MS, type TestRuntime } from '@wimse/testing'
import { keyAuthority, staticTrust, type TrustStore } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, WIT_FIELD, type WitCredential, type WitVerifier } from '@wimse/wit'
import {
  createMessageVerifier,
  MESSAGE_PROOF_FIELD,
  type MessageDelivery,
  type MessageVerifierOptions,
  type MessageView,
  type VerifiedMessage,
} from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW: number = TEST_EPOCH_MS / 1000
export const DESTINATION = 'nats://shop.example/settlement.jobs'
export const PAYLOAD: Uint8Array = utf8('{"order":"4711"}')
export const POSITION = 'jobs:1'

/** The members of a token that a fixture changes; undefined leaves one out. */
export type Changes = Readonly<Record<string, unknown>>

/** What is different from a proof without fault. */
export interface Forgery {
  readonly header?: Changes
  readonly claims?: Changes
  /** Members of the claim about the message. */
  readonly message?: Changes
  readonly signer?: Signer
}

/** A trust domain, a workload with a WIT, and the service that takes its messages. */
export interface World {
  readonly runtime: TestRuntime
  readonly trust: TrustStore
  readonly credential: WitCredential
  readonly deliveries: InMemoryDeliveryStore
  readonly verifyWit: WitVerifier
  /** A WIT for the key given. */
  issue(signer: Signer, lifetimeSeconds?: number): Promise<WitCredential>
  /** A proof without fault but for what is told, signed whatever it says. A new `jti` each time. */
  forge(forgery?: Forgery): Promise<string>
  verify(message: MessageView, options?: Partial<MessageVerifierOptions>, delivery?: Partial<MessageDelivery>): Promise<VerifiedMessage>
}

export async function createWorld(algorithm: SignatureAlgorithm = 'ES256'): Promise<World> {
  const runtime = createTestRuntime()
  const profile = algorithm.startsWith('RS') ? 'wit-svid' : 'wimse'
  const { signer: issuer } = await generateSigner('ES256', runtime)
  const trust = staticTrust([
    { trustDomain: parseTrustDomain('shop.example'), witAuthorities: [keyAuthority({ ...issuer.publicJwk, kid: '1' })] },
  ])
  const { signer: own } = await generateSigner(algorithm, runtime)
  const issue: World['issue'] = async (signer, lifetimeSeconds = 3600) => {
    const grant = { profile, subject: 'spiffe://shop.example/orders', confirmationKey: signer.publicJwk, lifetimeSeconds } as const
    return createWitCredential(await issueWit(grant, { signer: issuer, keyId: '1', runtime }), signer)
  }
  const verifyWit = createWitVerifier({ trust, profile, runtime })
  const credential = await issue(own)
  const { hash } = await verifyWit(credential.token)
  const deliveries = inMemoryDeliveryStore({ capacity: 100_000 })
  let count = 0
  return {
    runtime,
    trust,
    credential,
    deliveries,
    verifyWit,
    issue,
    async forge({ header, claims, message, signer = own } = {}) {
      count += 1
      const payload = formatBase64url(await runtime.crypto.digest('sha-256', PAYLOAD))
      return forgeJws(
        { alg: signer.algorithm, typ: 'wimse-ts-message-proof+jwt', ...header },
        {
          aud: DESTINATION,
          iat: NOW,
          exp: NOW + 60,
          jti: `jti-${count}`,
          wth: hash,
          wimse_ts_msg: defined({ payload, ...message }),
          ...claims,
        },
        signer,
      )
    },
    verify: (message, options, delivery) =>
      createMessageVerifier({ verifyWit, destinations: DESTINATION, boundFields: [], deliveries, runtime, ...options })(message, {
        position: POSITION,
        ...delivery,
      }),
  }
}

/** A message with these fields. */
export function messageWith(fields: FieldLines, change: Partial<MessageView> = {}): MessageView {
  return { kind: 'message', destination: DESTINATION, fields, payload: PAYLOAD, ...change }
}

/** A message of the world's workload with this proof. */
export function proved({ credential }: World, proof: string, fields: FieldLines = [], change: Partial<MessageView> = {}): MessageView {
  return messageWith([[WIT_FIELD, credential.token], ...fields, [MESSAGE_PROOF_FIELD, proof]], change)
}

/** A compact JWS with exactly this header, whatever the signer's algorithm is. */
export async function forgeJws(header: Changes, claims: Changes, signer: Signer): Promise<string> {
  const input = [header, claims].map((part) => formatBase64url(utf8(JSON.stringify(defined(part))))).join('.')
  return `${input}.${formatBase64url(await signer.sign(utf8(input)))}`
}

function defined(members: Changes): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}

/** The code that a step ends with: `ok`, the code of a WimseError, or the text of any other error, which no test expects. */
export async function codeOf(step: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof step === 'function' ? step() : step)
    return 'ok'
  } catch (error) {
    return isWimseError(error) ? error.code : `uncoded: ${String(error)}`
  }
}
