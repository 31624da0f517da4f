import { inMemoryReplayStore, parseTrustDomain, type RequestView, type ResponseView, type Runtime, requestViewOfParts } from '@wimse/core'
import { createVerifier, defaultRuntime, generateSigner, type SignatureAlgorithm } from '@wimse/keys'
import type { KeyAuthority, TrustStore } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, readWitField, type VerifiedWit, type WitCredential } from '@wimse/wit'
import { type RequestVerifierOptions, type SignedRequest, type SignRequestOptions, signRequest, verifyRequest } from '../../src/index.ts'

/** Seconds since the epoch at which every test starts. */
export const NOW = 1_800_000_000
export const AUDIENCE = 'https://payments.shop.example'

/** A runtime with a clock that stands and random octets that count. */
export function testRuntime(now: number = NOW): Runtime {
  let count = 0
  return {
    ...defaultRuntime(),
    now: () => now * 1000,
    randomBytes: (length) => {
      count += 1
      return new Uint8Array(length).fill(count, length - 1).fill(count >> 8, 0, 1)
    },
  }
}

export const runtime: Runtime = testRuntime()

/** A trust store with one trust domain and one key, or any number of keys. */
export function storeOf(trustDomain: string, witAuthorities: readonly KeyAuthority[]): TrustStore {
  const bundle = { trustDomain: parseTrustDomain(trustDomain), x509Authorities: [], jwtAuthorities: [], witAuthorities }
  return { bundle: () => bundle, refresh: async () => false }
}

/** A trust domain with an issuer. */
export interface World {
  readonly trust: TrustStore
  credential(path: string, algorithm?: SignatureAlgorithm, lifetimeSeconds?: number): Promise<WitCredential>
  verifyWit(token: string): Promise<VerifiedWit>
}

export async function createWorld(): Promise<World> {
  const { signer } = await generateSigner('ES256', runtime)
  const verifier = await createVerifier(signer.publicJwk, { runtime })
  const authority: KeyAuthority = { keyId: '1', fits: (a) => a === 'ES256', verifier: () => verifier, jwk: { ...signer.publicJwk } }
  const trust = storeOf('shop.example', [authority])
  return {
    trust,
    verifyWit: createWitVerifier({ trust, profile: 'wimse', runtime }),
    async credential(path, algorithm = 'ES256', lifetimeSeconds = 3600) {
      const own = await generateSigner(algorithm, runtime)
      const subject = `spiffe://shop.example/${path}`
      const grant = { profile: 'wimse', subject, confirmationKey: own.signer.publicJwk, lifetimeSeconds } as const
      return createWitCredential(await issueWit(grant, { signer, keyId: '1', runtime }), own.signer)
    },
  }
}

export const postRequest: RequestView = requestViewOfParts({
  method: 'POST',
  scheme: 'https',
  authority: 'payments.shop.example',
  target: '/charges?dry=1',
  fields: [
    ['Host', 'payments.shop.example'],
    ['Content-Type', 'application/json'],
    ['Txn-Token', 'a.b.c'],
    ['X-Tenant', 'blue'],
  ],
  body: new TextEncoder().encode('{"amount":1}'),
})

export const okResponse: ResponseView = {
  kind: 'response',
  status: 200,
  fields: [['Content-Type', 'application/json']],
  body: new TextEncoder().encode('{"ok":true}'),
}

export function sign(credential: WitCredential, options: Partial<SignRequestOptions> = {}, request = postRequest): Promise<SignedRequest> {
  return signRequest(request, { credential, runtime, ...options })
}

/** Verifies the WIT and then the request, as a recipient does. */
export async function verify(world: World, request: RequestView, options: Partial<RequestVerifierOptions> = {}) {
  const wit = await world.verifyWit(readWitField(request.fields))
  return verifyRequest(request, { wit, audience: AUDIENCE, replay: inMemoryReplayStore({ capacity: 100 }), runtime, ...options })
}

/** The message with the value of one field replaced, or the field left out. */
export function withField<M extends RequestView | ResponseView>(
  message: M,
  name: string,
  change: (value: string) => string | undefined,
): M {
  const fields = message.fields.flatMap(([field, value]): [string, string][] => {
    if (field.toLowerCase() !== name) return [[field, value]]
    const changed = change(value)
    return changed === undefined ? [] : [[field, changed]]
  })
  return { ...message, fields }
}

/** The message with a field added. */
export function addField<M extends RequestView | ResponseView>(message: M, name: string, value: string): M {
  return { ...message, fields: [...message.fields, [name, value]] }
}

/** A stream of the octets given. */
export function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}
