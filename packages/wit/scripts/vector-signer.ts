import { readFileSync } from 'node:fs'
import { formatBase64url, type JsonObject, utf8 } from '@wimse/core'
import { createSigner, createVerifier, defaultRuntime, type Signer, type Verifier } from '@wimse/keys'

/** Seconds since the epoch at which every vector is judged: 1 January 2030. */
export const VECTOR_TIME = 1_893_456_000

/** Members of a header or of claims; undefined leaves one out. */
export type Members = Readonly<Record<string, unknown>>

const { keys } = JSON.parse(readFileSync(new URL('../vectors/keys.json', import.meta.url), 'utf8')) as {
  readonly keys: Readonly<Record<string, Members>>
}

/** Signs tokens with the fixed keys of the vectors. */
export interface VectorSigner {
  readonly keys: Readonly<Record<string, Members>>
  /** The public members of a key, with `alg`. */
  publicJwk(key: string): Promise<Signer['publicJwk']>
  /** A compact JWS with exactly this header. */
  sign(key: string, header: Members, claims: Members): Promise<string>
}

/**
 * A signature that ECDSA makes is another one each time: those of tokens that `existing`, the text of the present vectors, holds already
 * are kept where they verify, so that vectors only change where something about them does.
 */
export function vectorSigner(existing: string): VectorSigner {
  const runtime = defaultRuntime()
  const known = new Map<string, Set<string>>()
  const remember = (input: string, signature: string): void => void known.set(input, (known.get(input) ?? new Set()).add(signature))
  for (const [, input = '', signature = ''] of existing.matchAll(/([\w-]+\.[\w-]+)\.([\w-]+)/g)) remember(input, signature)
  const pairs = new Map<string, Promise<readonly [Signer, Verifier]>>()
  const pairOf = (name: string): Promise<readonly [Signer, Verifier]> => {
    const make = async (): Promise<readonly [Signer, Verifier]> => {
      const signer = await createSigner(keys[name], { runtime })
      return [signer, await createVerifier(signer.publicJwk, { runtime })]
    }
    const pair = pairs.get(name) ?? make()
    pairs.set(name, pair)
    return pair
  }
  return {
    keys,
    publicJwk: async (key) => (await pairOf(key))[0].publicJwk,
    async sign(key, header, claims) {
      const [signer, verifier] = await pairOf(key)
      const input = [header, claims].map((part) => formatBase64url(utf8(JSON.stringify(defined(part))))).join('.')
      for (const signature of known.get(input) ?? []) {
        if (await verifier.verify(utf8(input), Buffer.from(signature, 'base64url'))) return `${input}.${signature}`
      }
      const signature = formatBase64url(await signer.sign(utf8(input)))
      remember(input, signature)
      return `${input}.${signature}`
    },
  }
}

function defined(members: Members): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}
