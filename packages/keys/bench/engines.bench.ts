import * as nodeCrypto from 'node:crypto'
import { createNodeEngine, createVerifier, createWebEngine, generateSigner, type NodeCryptoModule } from '@wimse/keys'

/** Why node:crypto is the engine where it is at hand: how often it verifies while Web Cryptography verifies once. */
export const benchmarks = [
  {
    name: 'engine-node-over-webcrypto',
    goal: 1,
    async prepare() {
      const node = { crypto: createNodeEngine(nodeCrypto as unknown as NodeCryptoModule) }
      const web = { crypto: createWebEngine(globalThis.crypto) }
      const { signer } = await generateSigner('ES256', node)
      const data = new Uint8Array(400)
      const signature = await signer.sign(data)
      const byNode = await createVerifier(signer.publicJwk, { runtime: node })
      const byWeb = await createVerifier(signer.publicJwk, { runtime: web })
      return { raw: () => byWeb.verify(data, signature), subject: () => byNode.verify(data, signature) }
    },
  },
]
