import crypto from 'node:crypto'
import { createSigner, defaultRuntime, type Signer } from '@wimse/keys'
import {
  createTransactionTokenVerifier,
  issueTransactionToken,
  staticTokenServiceKeys,
  type TransactionTokenVerifier,
} from '@wimse/transaction-tokens'

const runtime = defaultRuntime()

interface World {
  readonly verify: TransactionTokenVerifier
  issue(): Promise<string>
  /** A verification by node:crypto alone with the same key, of as many octets. */
  raw(): void
}

async function world(): Promise<World> {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer: Signer = await createSigner(privateKey.export({ format: 'jwk' }), { algorithm: 'ES256', runtime })
  const keys = staticTokenServiceKeys({ 'shop.example': { keys: [{ ...signer.publicJwk, kid: '1' }] } })
  const data = Buffer.alloc(520, 1)
  const signature = crypto.sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const key = { key: crypto.createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' } as const
  // What the example of the draft says, section 9.2.
  const grant = {
    trustDomain: 'shop.example',
    subject: 'd084sdrt234fsaw34tr23t',
    scope: ['trade.stocks'],
    requester: 'spiffe://shop.example/storefront',
    transactionContext: { action: 'BUY', ticker: 'MSFT', quantity: '100', customer_type: { geo: 'US', level: 'VIP' } },
    requesterContext: { req_ip: '192.0.2.17', authn: 'urn:ietf:rfc:6749' },
    lifetimeSeconds: 300,
  } as const
  return {
    verify: createTransactionTokenVerifier({ keys, audience: 'shop.example' }),
    // As it comes off a wire: a text of its own, whose parts are no longer a concatenation.
    issue: async () => JSON.parse(JSON.stringify(await issueTransactionToken(grant, { signer, keyId: '1' }))) as string,
    raw() {
      if (!crypto.verify('sha256', data, key, signature)) throw new Error('raw')
    },
  }
}

export const benchmarks = [
  {
    // The second and each later service call of a transaction in one process, its token read from another request each time.
    name: 'verify-transaction-token-seen',
    goal: 20,
    async prepare() {
      const { verify, issue, raw } = await world()
      const token = await issue()
      await verify(token)
      const octets = Buffer.from(token)
      const tokens: string[] = []
      return {
        raw,
        async prepareBatch(count: number): Promise<void> {
          while (tokens.length < count) tokens.push(octets.toString('latin1'))
        },
        subject: () => verify(tokens.pop() ?? ''),
      }
    },
  },
  {
    name: 'verify-transaction-token-new',
    goal: 0.8,
    async prepare() {
      const { verify, issue, raw } = await world()
      const tokens: string[] = []
      return {
        raw,
        async prepareBatch(count: number): Promise<void> {
          while (tokens.length < count) tokens.push(await issue())
        },
        subject: () => verify(tokens.pop() ?? ''),
      }
    },
  },
]
