import type { MaybePromise, Runtime } from '@wimse/core'
import type { PublicJwk } from './public-jwk.ts'

/** The JWK thumbprint of a public key with SHA-256, in base64url (RFC 7638). `alg` doesn't enter it. */
export function jwkThumbprint(jwk: PublicJwk, runtime: Pick<Runtime, 'crypto'>): MaybePromise<string> {
  return runtime.crypto.digestText('sha-256', thumbprintInput(jwk))
}

/** The members in the order and form that RFC 7638 section 3.2 demands. */
function thumbprintInput(jwk: PublicJwk): string {
  if (jwk.kty === 'EC') return `{"crv":"${jwk.crv}","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`
  if (jwk.kty === 'OKP') return `{"crv":"${jwk.crv}","kty":"OKP","x":"${jwk.x}"}`
  return `{"e":"${jwk.e}","kty":"RSA","n":"${jwk.n}"}`
}
