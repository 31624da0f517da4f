import { type ErrorCode, isWimseError, type JsonObject, type Runtime, recode, WimseError } from '@wimse/core'
import { DEFAULT_MAX_TOKEN_BYTES, decodeUnverifiedJws, isSignatureAlgorithm, type SignatureAlgorithm, WIMSE_ALGORITHMS } from '@wimse/keys'
import type { KeyAuthority } from '@wimse/trust'
import type { IssuerKeys } from './issuer-keys.ts'

/** The codes under which a kind of token fails. */
export type TokenFamily = 'ERR_EXCHANGE_GRANT' | 'ERR_EXCHANGE_ACCESS_TOKEN'

type Fault = 'ALG' | 'CLAIM' | 'EXPIRED' | 'ISSUER' | 'KEY_UNKNOWN' | 'LIFETIME' | 'MALFORMED' | 'SIGNATURE' | 'TYP'

/** What tokens of trusted issuers are judged by. */
export interface IssuerJwtRules {
  readonly family: TokenFamily
  readonly typ: RegExp
  readonly issuers: IssuerKeys
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly toleranceSeconds: number
  /** Longest time from `iat` to `exp`, and until `exp`. */
  readonly maxLifetimeSeconds: number
  readonly maxTokenBytes: number
  /** Under which code a token fails whose `nbf` is ahead; as any claim unless told. */
  readonly notYet?: ErrorCode
  readonly runtime: Pick<Runtime, 'now'>
}

/** A token whose signature and times hold. */
export interface IssuerJwt {
  readonly issuer: string
  readonly claims: JsonObject
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly now: number
}

/** Choices of a verifier that have defaults. */
export interface IssuerJwtOptions {
  readonly issuers: IssuerKeys
  /** `WIMSE_ALGORITHMS` unless told. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** 30 s unless told, 120 s at most. */
  readonly clockToleranceSeconds?: number
  readonly maxTokenBytes?: number
  readonly runtime?: Runtime
}

/** The rules of options. @throws WimseError `ERR_OPTIONS_INVALID` */
export function issuerJwtRules(
  options: IssuerJwtOptions,
  kind: Pick<IssuerJwtRules, 'family' | 'typ' | 'maxLifetimeSeconds' | 'notYet'> & { readonly runtime: Runtime },
): IssuerJwtRules {
  const { issuers, algorithms = WIMSE_ALGORITHMS, clockToleranceSeconds: toleranceSeconds = 30 } = options
  const { maxTokenBytes = DEFAULT_MAX_TOKEN_BYTES } = options
  if (!(toleranceSeconds >= 0 && toleranceSeconds <= 120)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'clockToleranceSeconds' })
  // A limit that is no number would limit nothing.
  if (!(maxTokenBytes > 0 && kind.maxLifetimeSeconds > 0)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a limit' })
  return { ...kind, issuers, algorithms, toleranceSeconds, maxTokenBytes }
}

/**
 * Verifies a JWT of an issuer that is trusted by configuration. In order: compact JWS, `typ`, `alg`, `iss`, the key of that issuer by
 * `kid`, or the only one that fits, the signature, `exp`, `iat`, `nbf`, lifetime.
 */
export async function verifyIssuerJwt(token: string, rules: IssuerJwtRules): Promise<IssuerJwt> {
  const fail = (fault: Fault, detail?: string): WimseError => {
    const code: ErrorCode = `${rules.family}_${fault}`
    return new WimseError(code, detail === undefined ? {} : { detail })
  }
  const jws = decode(token, rules)
  const { typ, alg, kid } = jws.header
  if (typeof typ !== 'string' || !rules.typ.test(typ)) throw fail('TYP')
  if (!isSignatureAlgorithm(alg) || !rules.algorithms.includes(alg)) throw fail('ALG')
  const { iss } = jws.payload
  if (typeof iss !== 'string') throw fail('ISSUER', 'missing')
  if (kid !== undefined && typeof kid !== 'string') throw fail('MALFORMED', 'kid')
  const select = async (): Promise<KeyAuthority | undefined> => {
    const known = rules.issuers.keys(iss)
    const keys = known instanceof Promise ? await known : known
    if (keys === undefined) throw fail('ISSUER')
    const candidates = keys.filter((key) => (kid === undefined ? key.fits(alg) : key.keyId === kid))
    return candidates.length === 1 ? candidates[0] : undefined
  }
  const authority = (await select()) ?? ((await rules.issuers.refresh(iss)) ? await select() : undefined)
  if (authority === undefined) throw fail('KEY_UNKNOWN')
  if (!authority.fits(alg)) throw fail('ALG', 'the key is for another algorithm')
  const made = authority.verifier(alg)
  const verifier = made instanceof Promise ? await made : made
  const valid = verifier.verify(jws.signingInput, jws.signature)
  if (!(valid instanceof Promise ? await valid : valid)) throw fail('SIGNATURE')

  const now = rules.runtime.now() / 1000
  const { exp, iat, nbf } = jws.payload
  const { toleranceSeconds: tolerance, maxLifetimeSeconds: maxLifetime } = rules
  if (typeof exp !== 'number' || typeof iat !== 'number') throw fail('CLAIM', 'exp or iat')
  if (nbf !== undefined && typeof nbf !== 'number') throw fail('CLAIM', 'nbf')
  if (now >= exp + tolerance) throw fail('EXPIRED')
  if (now < Math.max(iat, nbf ?? iat) - tolerance) {
    throw rules.notYet !== undefined && now >= iat - tolerance ? new WimseError(rules.notYet) : fail('CLAIM', 'not valid yet')
  }
  if (exp - now > maxLifetime + tolerance || exp - iat > maxLifetime) throw fail('LIFETIME')
  return { issuer: iss, claims: jws.payload, expiresAt: exp, now }
}

function decode(token: string, { maxTokenBytes, family }: IssuerJwtRules): ReturnType<typeof decodeUnverifiedJws> {
  try {
    return decodeUnverifiedJws(token, maxTokenBytes)
  } catch (error) {
    throw isWimseError(error) ? recode(`${family}_MALFORMED`, error) : error
  }
}

/** The values of an `aud` claim; undefined when it is none. */
export function audiencesOf({ aud }: JsonObject): readonly string[] | undefined {
  const values: unknown = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(values) || values.length === 0) return undefined
  return values.every((value): value is string => typeof value === 'string' && value !== '') ? values : undefined
}
