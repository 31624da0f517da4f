import { inMemoryDeliveryStore, utf8 } from '@wimse/core'
import { defaultRuntime, generateSigner } from '@wimse/keys'
import { createMessageProof, createMessageVerifier, headerMapOf, messageOfHeaderMap } from '@wimse/message-proof'
import { staticTrust } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit } from '@wimse/wit'

const [issuer, own] = [await generateSigner('ES256', defaultRuntime()), await generateSigner('ES256', defaultRuntime())]
const grant = {
  profile: 'wimse',
  subject: 'wimse://shop.example/orders',
  confirmationKey: own.signer.publicJwk,
  lifetimeSeconds: 3600,
} as const
const credential = createWitCredential(await issueWit(grant, { signer: issuer.signer, keyId: 'k1' }), own.signer)

// the sender
const destination = 'nats://shop.example/settlement.jobs'
const job = { destination, headers: { 'content-type': 'application/json', 'x-batch': '7' }, payload: utf8('{"order":"4711"}') }
const proof = await createMessageProof(messageOfHeaderMap(job), { credential, boundFields: ['x-batch'] })
const published = { ...job, headers: { ...job.headers, ...headerMapOf(proof) } }

// the recipient
const trust = staticTrust({ 'shop.example': { keys: [{ ...issuer.signer.publicJwk, use: 'wit-svid', kid: 'k1' }] } })
const verifyMessage = createMessageVerifier({
  verifyWit: createWitVerifier({ trust, profile: 'wimse' }),
  destinations: destination,
  boundFields: ['x-batch'],
  deliveries: inMemoryDeliveryStore({ capacity: 100_000 }),
  brokerTime: { trusted: true, maxAgeSeconds: 86_400 },
})
const delivery = { position: 'jobs:1', takenAt: Date.now() / 1000 }
const message = await verifyMessage(messageOfHeaderMap(published), delivery)
console.log(message.identifier, message.delivery) // wimse://shop.example/orders new
