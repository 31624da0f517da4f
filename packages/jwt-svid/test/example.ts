import { issueJwtSvid, verifyJwtSvid } from '@wimse/jwt-svid'
import { defaultRuntime, generateSigner } from '@wimse/keys'
import { staticTrust } from '@wimse/trust'

const audience = 'https://payments.shop.example'
const { signer } = await generateSigner('ES256', defaultRuntime())
const token = await issueJwtSvid(
  { subject: 'spiffe://shop.example/orders', audience: [audience], lifetimeSeconds: 300 },
  { signer, keyId: 'k1' },
)

const trust = staticTrust({ 'shop.example': { keys: [{ ...signer.publicJwk, use: 'jwt-svid', kid: 'k1' }] } })
const caller = await verifyJwtSvid(token, { trust, audience })
console.log(caller.identifier) // spiffe://shop.example/orders
