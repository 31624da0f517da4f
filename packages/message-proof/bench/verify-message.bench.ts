import crypto from 'node:crypto'
import { inMemoryDeliveryStore, parseTrustDomain } from '@wimse/core'
import { createVerifier, defaultRuntime, generateSigner } from '@wimse/keys'
import { createMessageProof, createMessageVerifier, type MessageView } from '@wimse/message-proof'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, type WitCredential } from '@wimse/wit'

const runtime = defaultRuntime()
const destination = 'nats://shop.example/settlement.jobs'
const boundFields = ['deferred-grant']

async function world(): Promise<{ readonly trust: TrustStore; readonly credential: WitCredential }> {
  const authority = await generateSigner('ES256', runtime)
  const verifier = await createVerifier(authority.signer.publicJwk, { runtime })
  const bundle: TrustBundle = {
    trustDomain: parseTrustDomain('shop.example'),
    x509Authorities: [],
    jwtAuthorities: [],
    witAuthorities: [{ keyId: '1', fits: (a) => a === 'ES256', verifier: () => verifier, jwk: { ...verifier.publicJwk } }],
  }
  const { signer } = await generateSigner('ES256', runtime)
  const token = await issueWit(
    { profile: 'wit-svid', subject: 'spiffe://shop.example/orders', confirmationKey: signer.publicJwk, lifetimeSeconds: 3600 },
    { signer: authority.signer, keyId: '1' },
  )
  return { trust: { bundle: () => bundle, refresh: async () => false }, credential: createWitCredential(token, signer) }
}

/** A job with 1 KiB of payload, as it comes off a wire: none of its texts is shared or still a concatenation. */
async function makeMessage(credential: WitCredential): Promise<MessageView> {
  const message: MessageView = {
    kind: 'message',
    destination,
    fields: [
      ['content-type', 'application/json'],
      ['deferred-grant', 'g'.repeat(600)],
    ],
    payload: crypto.randomBytes(1024),
  }
  const lines = await createMessageProof(message, { credential, boundFields })
  return { ...message, ...JSON.parse(JSON.stringify({ destination, fields: [...message.fields, ...lines] })) }
}

export const benchmarks = [
  {
    name: 'verify-message-seen',
    goal: 0.75,
    async prepare() {
      const { trust, credential } = await world()
      const verify = createMessageVerifier({
        verifyWit: createWitVerifier({ trust, profile: 'wit-svid' }),
        destinations: destination,
        boundFields,
        deliveries: inMemoryDeliveryStore({ capacity: 1_000_000 }),
        brokerTime: { trusted: true, maxAgeSeconds: 3600 },
      })
      const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const data = Buffer.alloc(500, 1)
      const signature = crypto.sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
      const messages: MessageView[] = []
      let count = 0
      return {
        raw: () => {
          if (!crypto.verify('sha256', data, key, signature)) throw new Error('raw')
        },
        async prepareBatch(size: number): Promise<void> {
          while (messages.length < size) messages.push(await makeMessage(credential))
        },
        subject: async () => {
          const message = messages.pop()
          if (message === undefined) throw new Error('out of messages')
          count += 1
          await verify(message, { position: `jobs:${count}`, takenAt: Date.now() / 1000 })
        },
      }
    },
  },
]
