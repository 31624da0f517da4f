import type { JsonObject } from '@wimse/core'
import { claimsOf } from './tokens.ts'

/** A token with other claims under the signature that it had: what somebody can do who has the token and not the key. */
export function rewrittenToken(token: string, claims: JsonObject): string {
  const [header, , signature] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...claimsOf(token), ...claims })).toString('base64url')
  return `${header}.${payload}.${signature}`
}
