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
  /** The same for verifying: the same array as long as no key has changed. */
  authorities(): readonly KeyAuthority[]
  /** These, and those that are needed for deferred grants alone: nothing else that they signed is taken any more. */
  grantAuthorities(): readonly KeyAuthority[]
  /** Ends rotation. */
  close(): void
}

/** What is published of a set of keys, the first of which signs. */
export interface PublishedKeys {
  readonly active: SigningKey
  readonly jwks: JsonObject
  readonly authorities: readonly KeyAuthority[]
  readonly grantAuthorities: readonly KeyAuthority[]
}

/** The public half of a key, as it is published. A signer has no private members to show. */
export function publicHalf({ signer, keyId }: SigningKey): JsonObject {
  return { ...signer.publicJwk, kid: keyId, use: 'sig' }
}

/** Publishes a key that signs and the public halves of others, and keeps some for verifying deferred grants alone. */
export function publishKeys(active: SigningKey, others: readonly JsonObject[], kept: readonly JsonObject[] = []): PublishedKeys {
  const keys = [publicHalf(active), ...others]
  const authorities = Object.freeze(keys.map((jwk) => keyAuthority(jwk)))
  return { active, jwks: { keys }, authorities, grantAuthorities: Object.freeze([...authorities, ...kept.map((jwk) => keyAuthority(jwk))]) }
}
