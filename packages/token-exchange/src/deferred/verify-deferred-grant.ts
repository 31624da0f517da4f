import {
  type IdentifierPattern,
  isJsonObject,
  isWimseError,
  type JsonObject,
  parseBase64url,
  parseIdentifierPattern,
  parseWorkloadIdentifier,
  recode,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type Actor, parseActorChain } from '../delegation/actor-chain.ts'
import { audiencesOf, type IssuerJwtOptions, issuerJwtRules, verifyIssuerJwt } from '../issuers/verify-issuer-jwt.ts'
import { parseScope } from '../protocol/scope.ts'
import { checkIssuer, isAbsoluteUri } from '../protocol/uri.ts'
import { isPurpose, isUseName, isWhole, MAX_DEFERRED_USES } from './deferral.ts'
import { DEFERRAL_CLAIM, MAX_DEFERRED_GRANT_LIFETIME_SECONDS, MAX_TRANSACTION_LENGTH } from './issue-deferred-grant.ts'
import { type ParameterLimits, parseParameterLimits } from './parameter-limits.ts'

/** Options of {@link verifyDeferredGrant}. */
export interface VerifyDeferredGrantOptions extends Omit<IssuerJwtOptions, 'clockToleranceSeconds'> {
  /** The issuer identifier of this server: `iss` as well as `aud`. */
  readonly issuer: string
  readonly maxChainDepth?: number
}

/** What a grant is for: these parameters, by their hash, or any within limits. */
export type DeferredTerms =
  | { readonly parametersHash: string; readonly limits: undefined }
  | { readonly parametersHash: undefined; readonly limits: ParameterLimits }

declare const verifiedDeferredGrantBrand: unique symbol

/** A deferred grant whose signature and times hold. Only verification makes one. That somebody may redeem it is another question. */
export interface VerifiedDeferredGrant {
  readonly [verifiedDeferredGrantBrand]: true
  readonly token: string
  readonly jti: string
  readonly subject: string
  /** Those who act for the subject, the current one first. */
  readonly actors: readonly Actor[]
  readonly scope: readonly string[]
  /** The URI of the kind of token that it was made of. */
  readonly subjectTokenType: string
  readonly requester: WorkloadIdentifier
  /** `txn` of the transaction in which the work was deferred. */
  readonly transaction: string
  readonly worker: IdentifierPattern
  readonly action: string
  readonly terms: DeferredTerms
  readonly uses: number
  readonly purpose: string | undefined
  /** What goes along of the context of that transaction. */
  readonly context: JsonObject
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

class Verified {
  readonly #made = true

  static of<T extends object>(value: T): T {
    return Object.freeze(Object.assign(new Verified(), value))
  }

  static isOn(value: object): boolean {
    return #made in value
  }
}

/**
 * Makes sure at run time that a grant comes from {@link verifyDeferredGrant}, for callers that the compiler doesn't guard.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export function assertVerifiedDeferredGrant(grant: VerifiedDeferredGrant): void {
  if (typeof grant !== 'object' || grant === null || !Verified.isOn(grant)) {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'not a verified deferred grant' })
  }
}

/**
 * Verifies a deferred grant of this server. In order: compact JWS, `typ`, `alg`, `iss` and a key of it, signature, `exp`, `iat`, `nbf`, lifetime; `iss`
 * and the one `aud`, which are this server; `exp` and `nbf` once more, without any tolerance; `sub`, `jti`, `txn`, `requester`; the chain of actors, scope;
 * what is deferred.
 *
 * Not checked: who presents it, with which parameters (`checkRedemption`), whether its uses are taken, and whether it was revoked.
 *
 * @throws WimseError `ERR_EXCHANGE_GRANT_…`, `ERR_OPTIONS_INVALID`, `ERR_TRUST_STALE`
 */
export async function verifyDeferredGrant(token: string, options: VerifyDeferredGrantOptions): Promise<VerifiedDeferredGrant> {
  const { runtime = defaultRuntime() } = options
  const own = checkIssuer(options.issuer)
  const kind = {
    family: 'ERR_EXCHANGE_GRANT',
    typ: /^(?:application\/)?wimse-ts-deferred-grant\+jwt$/i,
    maxLifetimeSeconds: MAX_DEFERRED_GRANT_LIFETIME_SECONDS,
    notYet: 'ERR_EXCHANGE_GRANT_NOT_YET',
    runtime,
  } as const
  const { issuer, claims, expiresAt, now } = await verifyIssuerJwt(token, issuerJwtRules(options, kind))
  if (issuer !== own) throw new WimseError('ERR_EXCHANGE_GRANT_ISSUER')
  const [audience, ...others] = audiencesOf(claims) ?? []
  if (audience !== own || others.length > 0) throw new WimseError('ERR_EXCHANGE_GRANT_AUD')
  const { nbf, sub, jti, txn, requester } = claims
  if (now >= expiresAt) throw new WimseError('ERR_EXCHANGE_GRANT_EXPIRED')
  if (typeof nbf !== 'number') throw malformed('nbf')
  if (now < nbf) throw new WimseError('ERR_EXCHANGE_GRANT_NOT_YET')
  if (typeof sub !== 'string' || sub === '') throw new WimseError('ERR_EXCHANGE_GRANT_SUBJECT')
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw new WimseError('ERR_EXCHANGE_GRANT_JTI')
  if (typeof txn !== 'string' || txn === '' || txn.length > MAX_TRANSACTION_LENGTH) throw malformed('txn')
  if (typeof requester !== 'string') throw malformed('requester')
  const read = asClaim(() => ({
    requester: parseWorkloadIdentifier(requester),
    actors: parseActorChain(claims['act'], options.maxChainDepth),
    scope: parseScope(claims['scope']),
    ...readDeferral(claims[DEFERRAL_CLAIM]),
  }))
  return Verified.of({ token, jti, subject: sub, transaction: txn, expiresAt, ...read }) as unknown as VerifiedDeferredGrant
}

type DeferralParts = Pick<VerifiedDeferredGrant, 'subjectTokenType' | 'worker' | 'action' | 'terms' | 'uses' | 'purpose' | 'context'>

function readDeferral(claim: unknown): DeferralParts {
  if (!isJsonObject(claim)) throw malformed(DEFERRAL_CLAIM)
  const {
    subject_token_type: subjectTokenType,
    worker,
    action,
    parameters_hash: parametersHash,
    limits,
    uses,
    purpose,
    context = {},
  } = claim
  if (typeof worker !== 'string' || !isUseName(action)) throw malformed('worker or action')
  if (!isAbsoluteUri(subjectTokenType)) throw malformed('subject_token_type')
  if (!isWhole(uses) || uses < 1 || uses > MAX_DEFERRED_USES) throw malformed('uses')
  if ((purpose !== undefined && !isPurpose(purpose)) || !isJsonObject(context)) throw malformed('purpose or context')
  if ((parametersHash === undefined) === (limits === undefined)) throw malformed('parameters_hash or limits')
  const terms = isHash(parametersHash)
    ? { parametersHash, limits: undefined }
    : { parametersHash: undefined, limits: parseParameterLimits(limits) }
  return { subjectTokenType, worker: parseIdentifierPattern(worker), action, terms, uses, purpose, context }
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && parseBase64url(value).length === 32
}

/** What is wrong inside of a grant that we signed is a fault of a claim, whichever parser finds it; a chain that is too long keeps its code. */
function asClaim<T>(step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (!isWimseError(error) || error.code === 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH' || error.code === 'ERR_EXCHANGE_GRANT_CLAIM') throw error
    throw recode('ERR_EXCHANGE_GRANT_CLAIM', error)
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_GRANT_CLAIM', { detail })
}
