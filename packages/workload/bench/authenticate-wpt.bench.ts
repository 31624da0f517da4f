import crypto from 'node:crypto'
import { inMemoryReplayStore, parseTrustDomain, type RequestView, requestViewOfParts } from '@wimse/core'
import { createSigner, createVerifier, defaultRuntime, generateSigner, type Signer } from '@wimse/keys'
import type { TrustBundle, TrustStore } from '@wimse/trust'
import { createWitCredential, issueWit, type WitCredential } from '@wimse/wit'
import { type Authenticator, createAuthenticator } from '@wimse/workload'
import { prepareCall } from '@wimse/workload/node'

const runtime = defaultRuntime()
const origin = 'https://payments.shop.example'

interface World {
  readonly authenticator: Authenticator
  /** A credential of that key. */
  issue(signer: Signer): Promise<WitCredential>
  request(credential: WitCredential): Promise<RequestView>
}

async function world(): Promise<World> {
  const authority = await generateSigner('ES256', runtime)
  const verifier = await createVerifier(authority.signer.publicJwk, { runtime })
  const bundle: TrustBundle = {
    trustDomain: parseTrustDomain('shop.example'),
    x509Authorities: [],
    jwtAuthorities: [],
    witAuthorities: [{ keyId: '1', fits: (algorithm) => algorithm === 'ES256', verifier: () => verifier, jwk: { ...verifier.publicJwk } }],
  }
  const trust: TrustStore = { bundle: () => bundle, refresh: async () => false }
  const replay = inMemoryReplayStore({ capacity: 1_000_000 })
  const charge = requestViewOfParts({
    method: 'POST',
    scheme: 'https',
    authority: 'payments.shop.example',
    target: '/charges',
    fields: [
      ['host', 'payments.shop.example'],
      ['accept', '*/*'],
      ['content-type', 'application/json'],
      ['content-length', '14'],
    ],
    body: null,
  })
  return {
    authenticator: createAuthenticator({ trust, audience: origin, replay, witProfile: 'wit-svid' }),
    async issue(signer) {
      const token = await issueWit(
        { profile: 'wit-svid', subject: 'spiffe://shop.example/orders', confirmationKey: signer.publicJwk, lifetimeSeconds: 3600 },
        { signer: authority.signer, keyId: '1' },
      )
      return createWitCredential(token, signer)
    },
    async request(credential) {
      const credentials = { wit: () => credential, jwtSvid: () => Promise.reject(new Error('none')) }
      const { request } = await prepareCall(charge, { peer: credential.identifier, proof: 'wpt', credentials, runtime })
      // As it comes off a wire: none of its texts is shared or still a concatenation.
      return { ...request, fields: JSON.parse(JSON.stringify(request.fields)) }
    },
  }
}

interface Key {
  readonly signer: Signer
  readonly privateKey: crypto.KeyObject
}

async function newKey(): Promise<Key> {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, signer: await createSigner(privateKey.export({ format: 'jwk' }), { algorithm: 'ES256', runtime }) }
}

function rawVerification(privateKey: crypto.KeyObject): () => void {
  const data = Buffer.alloc(400, 1)
  const signature = crypto.sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const key = { key: crypto.createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' } as const
  return () => {
    if (!crypto.verify('sha256', data, key, signature)) throw new Error('raw')
  }
}

/** Authenticates each request once, in the order in which `make` made them. */
function inTurn({ authenticator }: World, make: () => Promise<RequestView>) {
  const requests: RequestView[] = []
  return {
    async prepareBatch(count: number): Promise<void> {
      while (requests.length < count) requests.push(await make())
    },
    subject(): Promise<unknown> {
      const request = requests.pop()
      if (request === undefined) throw new Error('out of requests')
      return authenticator.authenticate(request)
    },
  }
}

export const benchmarks = [
  {
    name: 'authenticate-wpt-seen',
    goal: 0.8,
    async prepare() {
      const here = await world()
      const { signer, privateKey } = await newKey()
      const credential = await here.issue(signer)
      return { raw: rawVerification(privateKey), ...inTurn(here, () => here.request(credential)) }
    },
  },
  {
    // The WIT has not been seen before, its key has: a workload whose WIT was renewed.
    name: 'authenticate-wpt-new',
    goal: 0.8,
    async prepare() {
      const here = await world()
      const { signer, privateKey } = await newKey()
      const make = async (): Promise<RequestView> => here.request(await here.issue(signer))
      return { raw: rawVerification(privateKey), rawPerSubject: 2, ...inTurn(here, make) }
    },
  },
  {
    // Neither the WIT nor its key has been seen before: each request is of a workload of its own. What OpenSSL does at the first use of a
    // key comes on top of the two signatures.
    name: 'authenticate-wpt-new-key',
    goal: 0.5,
    async prepare() {
      const here = await world()
      const { privateKey } = await newKey()
      const make = async (): Promise<RequestView> => here.request(await here.issue((await newKey()).signer))
      return { raw: rawVerification(privateKey), rawPerSubject: 2, ...inTurn(here, make) }
    },
  },
]
