import { defaultRuntime, generateSigner } from '@wimse/keys'
import { staticTrust } from '@wimse/trust'
import { createWitVerifier, issueWit } from '@wimse/wit'

const issuer = await generateSigner('ES256', defaultRuntime())
const workload = await generateSigner('ES256', defaultRuntime())
const token = await issueWit(
  { profile: 'wit-svid', subject: 'spiffe://shop.example/orders', confirmationKey: workload.signer.publicJwk, lifetimeSeconds: 3600 },
  { signer: issuer.signer, keyId: 'k1' },
)

const trust = staticTrust({ 'shop.example': { keys: [{ ...issuer.signer.publicJwk, use: 'wit-svid', kid: 'k1' }] } })
const verifyWit = createWitVerifier({ trust, profile: 'wit-svid' })
const wit = await verifyWit(token)
console.log(wit.identifier, wit.confirmation.algorithm) // spiffe://shop.example/orders ES256
