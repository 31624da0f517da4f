import crypto from 'node:crypto'
import { inMemoryReplayStore, parseTrustDomain } from '@wimse/core'
import { createVerifier, defaultRuntime, generateSigner } from '@wimse/keys'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import { createWitCredential, createWitVerifier, issueWit, readWitField, WIT_FIELD } from '@wimse/wit'
import { createWpt, createWptVerifier } from '@wimse/wpt'

const runtime = defaultRuntime()
const audience = 'https://payments.shop.example'

async function world() {
  const authority = await generateSigner('ES256', runtime)
  const trustDomain = parseTrustDomain('shop.example')
  const verifier = await createVerifier(authority.signer.publicJwk, { runtime })
  const bundle: TrustBundle = {
    trustDomain,
    x509Authorities: [],
    jwtAuthorities: [],
    witAuthorities: [{ keyId: '1', fits: (a) => a === 'ES256', verifier: () => verifier, jwk: { ...verifier.publicJwk } }],
  }
  const trust: TrustStore = { bundle: () => bundle, refresh: async () => false }
  const issue = async () => {
    const { signer } = await generateSigner('ES256', runtime)
    const token = await issueWit(
      { profile: 'wit-svid', subject: 'spiffe://shop.example/orders', confirmationKey: signer.publicJwk, lifetimeSeconds: 3600 },
      { signer: authority.signer, keyId: '1' },
    )
    return createWitCredential(token, signer)
  }
  const request = async (credential: Awaited<ReturnType<typeof issue>>) => ({
    path: '/charges',
    fields: [
      ['host', 'payments.shop.example'],
      ['content-type', 'application/json'],
      [WIT_FIELD, credential.token],
      ['authorization', await createWpt({ credential, audience: `${audience}/charges`, lifetimeSeconds: 300 })],
    ] as const,
  })
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const data = Buffer.alloc(400, 1)
  const signature = crypto.sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const raw = () => {
    if (!crypto.verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('raw')
  }
  return { trust, issue, request, raw }
}

export const benchmarks = [
  {
    name: 'authenticate-wpt-seen',
    goal: 0.8,
    async prepare() {
      const { trust, issue, request, raw } = await world()
      const credential = await issue()
      const requests = []
      for (let index = 0; index < 40_000; index += 1) requests.push(await request(credential))
      const wit = createWitVerifier({ trust, profile: 'wit-svid' })
      const wpt = createWptVerifier({ audience, replay: inMemoryReplayStore({ capacity: 1_000_000 }) })
      let next = 0
      return {
        raw,
        subject: async () => {
          const message = requests[next++]
          if (message === undefined) throw new Error('out of requests')
          await wpt(message, await wit(readWitField(message.fields)))
        },
      }
    },
  },
  {
    name: 'authenticate-wpt-new',
    goal: 0.8,
    async prepare() {
      const { trust, issue, request, raw } = await world()
      const requests = []
      for (let index = 0; index < 20_000; index += 1) requests.push(await request(await issue()))
      const wit = createWitVerifier({ trust, profile: 'wit-svid' })
      const wpt = createWptVerifier({ audience, replay: inMemoryReplayStore({ capacity: 1_000_000 }) })
      let next = 0
      return {
        raw,
        rawPerSubject: 2,
        subject: async () => {
          const message = requests[next++]
          if (message === undefined) throw new Error('out of requests')
          await wpt(message, await wit(readWitField(message.fields)))
        },
      }
    },
  },
]
