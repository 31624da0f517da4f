import crypto from 'node:crypto'
import { inMemoryReplayStore, parseTrustDomain, type RequestView, requestViewOfParts } from '@wimse/core'
import { createRequestVerifier, signRequest } from '@wimse/http-signature'
import { createVerifier, defaultRuntime, generateSigner } from '@wimse/keys'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, readWitField, type WitCredential } from '@wimse/wit'

const runtime = defaultRuntime()
const audience = 'https://payments.shop.example'
const body = new Uint8Array(1024).fill(7)

interface World {
  readonly trust: TrustStore
  readonly credential: WitCredential
  readonly request: RequestView
}

async function world(): Promise<World> {
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
  const request = requestViewOfParts({
    method: 'POST',
    scheme: 'https',
    authority: 'payments.shop.example',
    target: '/charges?dry=1',
    fields: [
      ['host', 'payments.shop.example'],
      ['user-agent', 'bench'],
      ['accept', '*/*'],
      ['content-type', 'application/json'],
      ['content-length', '1024'],
    ],
    body,
  })
  return { trust: { bundle: () => bundle, refresh: async () => false }, credential: createWitCredential(token, signer), request }
}

/** The message as it comes off a wire: none of its texts is shared or still a concatenation. */
function received(message: RequestView): RequestView {
  return { ...message, fields: JSON.parse(JSON.stringify(message.fields)) }
}

const rawKeys = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
const data = Buffer.alloc(1200, 1)
const privateKey = { key: rawKeys.privateKey, dsaEncoding: 'ieee-p1363' } as const
const publicKey = { key: rawKeys.publicKey, dsaEncoding: 'ieee-p1363' } as const

export const benchmarks = [
  {
    name: 'verify-http-signature-seen',
    goal: 0.7,
    async prepare() {
      const { trust, credential, request } = await world()
      const requests: RequestView[] = []
      const verifyWit = createWitVerifier({ trust, profile: 'wit-svid' })
      const verify = createRequestVerifier({ audience, replay: inMemoryReplayStore({ capacity: 1_000_000 }) })
      const signature = crypto.sign('sha256', data, privateKey)
      return {
        raw: () => {
          if (!crypto.verify('sha256', data, publicKey, signature)) throw new Error('raw')
        },
        async prepareBatch(count: number): Promise<void> {
          while (requests.length < count) requests.push(received((await signRequest(request, { credential })).request))
        },
        subject: async () => {
          const message = requests.pop()
          if (message === undefined) throw new Error('out of requests')
          await verify(message, await verifyWit(readWitField(message.fields)))
        },
      }
    },
  },
  {
    name: 'sign-http-signature',
    goal: 0.45,
    async prepare() {
      const { credential, request } = await world()
      return {
        raw: () => crypto.sign('sha256', data, privateKey),
        subject: () => signRequest(request, { credential, audience: `${audience}/charges` }),
      }
    },
  },
]
