import { parseWorkloadIdentifier, requestViewOfRequest } from '@wimse/core'
import { defaultRuntime, generateSigner } from '@wimse/keys'
import {
  createTransactionTokenVerifier,
  issueTransactionToken,
  readTransactionTokenField,
  staticTokenServiceKeys,
  withTransactionToken,
} from '@wimse/transaction-tokens'

// the token service, once it knows the user and who asks for the token
const { signer } = await generateSigner('ES256', defaultRuntime())
const requester = 'spiffe://shop.example/storefront'
const grant = { trustDomain: 'shop.example', subject: 'ada', scope: ['orders.place'], requester, transactionContext: { amount: 4250 } }
const token = await issueTransactionToken(grant, { signer, keyId: 'k1' })

// storefront and each service behind it
const keys = staticTokenServiceKeys({ 'shop.example': { keys: [{ ...signer.publicJwk, kid: 'k1' }] } })
const verify = createTransactionTokenVerifier({ keys, audience: 'shop.example' })
const peer = parseWorkloadIdentifier('spiffe://shop.example/orders')
const request = withTransactionToken(new Request('https://orders.shop.example/orders'), await verify(token), { peer })

const context = await verify(readTransactionTokenField(requestViewOfRequest(request).fields))
console.log(context.subject, context.transactionContext) // ada { amount: 4250 }
