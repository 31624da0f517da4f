import type { JsonObject } from '@wimse/core'
import type { Signer } from '@wimse/keys'
import { type KeyAuthority, keyAuthority } from '@wimse/trust'

/** A key with the name under which it is published. */
export interface SigningKey {
  readonly signer: Signer
  readonly keyId: string
}

/** The keys of the service: one signs, several are published, so that neither a rotation nor its announcement breaks a token. */
export interface SigningKeys {
  /** What signs now. */
  current(): SigningKey
  /** The published public keys. */
  jwks(): JsonObject
  /** The same for verifying, and those that only deferred grants need still: the same array as long as no key has changed. */
  authorities(): readonly KeyAuthority[]
  /** Ends rotation. */
  close(): void
}

/** What is published of a set of keys, the first of which signs. */
export interface PublishedKeys {
  readonly active: SigningKey
  readonly jwks: JsonObject
  readonly authorities: readonly KeyAuthority[]
}

/** Publishes keys, and keeps others for verifying alone. Private members are nowhere in it: a signer has none to show. */
export function publishKeys(active: SigningKey, others: readonly SigningKey[], kept: readonly SigningKey[] = []): PublishedKeys {
  const publicJwk = ({ signer, keyId }: SigningKey) => ({ ...signer.publicJwk, kid: keyId, use: 'sig' })
  const jwks = [active, ...others].map(publicJwk)
  const authorities = [...jwks, ...kept.map(publicJwk)].map((jwk) => keyAuthority(jwk))
  return { active, jwks: { keys: jwks }, authorities: Object.freeze(authorities) }
}
