import { isJsonObject, type JsonObject, parseStrictJsonObject, utf8 } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { TOKEN_TYPES, type TypedToken } from '@wimse/token-exchange'
import { CheckFailure, type Evidence } from '../../suite/check.ts'
import { evidenceRecord, tokenName } from '../../suite/evidence.ts'

/** The name of the trust domain, for which all transaction tokens of the shop are. */
export const SHOP = 'shop.example'

/** `spiffe://shop.example/orders` of `orders`. */
export function shopId(name: string): string {
  return `spiffe://${SHOP}/${name}`
}

/** An access token as the subject of an exchange. */
export function accessToken(token: string): TypedToken {
  return { token, type: TOKEN_TYPES.accessToken }
}

/** A transaction token as the subject of an exchange. */
export function transactionToken(token: string): TypedToken {
  return { token, type: TOKEN_TYPES.transactionToken }
}

/** What a workload says of itself, without a signature: the subject of what it does on its own. */
export function unsignedSubject(identifier: string): TypedToken {
  return { token: JSON.stringify({ sub: identifier }), type: TOKEN_TYPES.unsignedJson }
}

/** The claims of a token as it is; who verifies it is the service that gets it. */
export function claimsOf(token: string): JsonObject {
  return decodeUnverifiedJws(token).payload
}

const SHOWN = ['iss', 'aud', 'sub', 'scope', 'client_id', 'txn', 'req_wl', 'tctx', 'rctx', 'act', 'iat', 'exp'] as const

/** A token as evidence: its name and what it says, without what single uses are told apart by. */
export function shownToken(kind: string, token: string): Evidence {
  const claims = claimsOf(token)
  const shown = SHOWN.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name]] as const]))
  return evidenceRecord({ token: tokenName(kind, token), bound: claims['cnf'] !== undefined, ...Object.fromEntries(shown) })
}

/** Who acts for the subject of a token, the current one first. */
export function actorsOf(token: string): readonly string[] {
  const actors: string[] = []
  for (let { act } = claimsOf(token); isJsonObject(act); act = act['act']) actors.push(String(act['sub']))
  return actors
}

/** An answer in JSON; an empty object for anything else. */
export function jsonOf(text: string | undefined): JsonObject {
  try {
    return parseStrictJsonObject(utf8(text ?? ''))
  } catch {
    return {}
  }
}

/** A text member of an answer. @throws CheckFailure without it */
export function textIn(body: JsonObject, name: string): string {
  const value = body[name]
  if (typeof value !== 'string') throw new CheckFailure(`the answer has no ${name}`)
  return value
}
