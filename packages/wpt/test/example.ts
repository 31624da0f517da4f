import { inMemoryReplayStore, requestViewOfRequest } from '@wimse/core'
import { defaultRuntime, generateSigner } from '@wimse/keys'
import { staticTrust } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, readWitField } from '@wimse/wit'
import { createWpt, createWptVerifier, targetAudience } from '@wimse/wpt'

const [issuer, own] = [await generateSigner('ES256', defaultRuntime()), await generateSigner('ES256', defaultRuntime())]
const grant = {
  profile: 'wimse',
  subject: 'wimse://shop.example/orders',
  confirmationKey: own.signer.publicJwk,
  lifetimeSeconds: 3600,
} as const
const credential = createWitCredential(await issueWit(grant, { signer: issuer.signer, keyId: 'k1' }), own.signer)

// the caller
const url = 'https://payments.shop.example/charges?dry=1'
const authorization = await createWpt({ credential, audience: targetAudience(url) })
const request = new Request(url, { method: 'POST', headers: { 'workload-identity-token': credential.token, authorization } })

// the recipient
const trust = staticTrust({ 'shop.example': { keys: [{ ...issuer.signer.publicJwk, use: 'wit-svid', kid: 'k1' }] } })
const verifyWit = createWitVerifier({ trust, profile: 'wimse' })
const verifyWpt = createWptVerifier({ audience: 'https://payments.shop.example', replay: inMemoryReplayStore({ capacity: 100_000 }) })
const view = requestViewOfRequest(request)
const proof = await verifyWpt(view, await verifyWit(readWitField(view.fields)))
console.log(proof.identifier) // wimse://shop.example/orders
