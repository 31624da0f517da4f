import { isJsonObject, type JsonObject, parseIdentifierPattern, WimseError, withCode } from '@wimse/core'
import { canonicalJson } from './canonical-json.ts'
import { formatParameterLimits, type ParameterLimits, parseParameterLimits } from './parameter-limits.ts'

/** Work that is to be done later, by whom, and within which bounds. */
export interface Deferral {
  /** Who may do it: the identifier of a workload, or a pattern that ends in `/*`. */
  readonly worker: string
  /** What is to be done: a name that the policy of the token service knows. */
  readonly action: string
  /** With exactly these parameters. One of `parameters` and `limits` has to be there, and not both. */
  readonly parameters?: JsonObject
  /** Or with any that are within these limits. */
  readonly limits?: ParameterLimits
  /** How often; once unless told. */
  readonly uses?: number
  /** Seconds since the epoch: not before, and the end. */
  readonly notBefore?: number
  readonly end: number
  /** Why, in words that people read who consent to it or look into it later. */
  readonly purpose?: string
}

/** A deferral with a number of uses. */
export type ReadDeferral = Deferral & { readonly uses: number }

export const MAX_DEFERRED_USES = 100_000
/** Characters of a purpose. */
export const MAX_PURPOSE_LENGTH = 256

const NAME = /^[\x21-\x7e]{1,128}$/
const CONTROL = /\p{Cc}/u
const MEMBERS: readonly string[] = ['worker', 'action', 'parameters', 'limits', 'uses', 'not_before', 'end', 'purpose']

/**
 * Reads a deferral as `request_details` have it. In order: no member but those of a deferral; `worker`, an identifier or a pattern; `action`, visible
 * ASCII; one of `parameters` and `limits`; `uses`, `not_before` and `end`, whole numbers, of which the end comes last; `purpose`, a text without control
 * characters. Whether anybody may defer that is for a policy to say.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`, `ERR_EXCHANGE_PARAMETER_MISSING`, `ERR_EXCHANGE_PARAMETER_UNKNOWN`
 */
export function parseDeferral(value: unknown): ReadDeferral {
  if (value === undefined) throw missing('deferral')
  if (!isJsonObject(value)) throw malformed('not an object')
  if (!Object.keys(value).every((name) => MEMBERS.includes(name)))
    throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'deferral' })
  const { worker, action, uses = 1, not_before: notBefore, end, purpose } = value
  for (const [name, member] of Object.entries({ worker, action, end })) if (member === undefined) throw missing(`deferral.${name}`)
  if (typeof worker !== 'string') throw malformed('worker')
  withCode('ERR_EXCHANGE_PARAMETER_MALFORMED', () => parseIdentifierPattern(worker))
  if (typeof action !== 'string' || !NAME.test(action)) throw malformed('action')
  const terms = parseTerms(value)
  if (!isWhole(uses) || uses < 1 || uses > MAX_DEFERRED_USES) throw malformed('uses')
  if (!isWhole(end)) throw malformed('end')
  if (notBefore !== undefined && !(isWhole(notBefore) && notBefore < end)) throw malformed('not_before')
  if (purpose !== undefined && !isPurpose(purpose)) throw malformed('purpose')
  return {
    worker,
    action,
    ...terms,
    uses,
    ...(notBefore !== undefined && { notBefore }),
    end,
    ...(purpose !== undefined && { purpose }),
  }
}

/** What `request_details` say; the reverse of {@link parseDeferral}. @throws WimseError as {@link parseDeferral} */
export function formatDeferral({ notBefore, limits, ...same }: Deferral): JsonObject {
  const formatted = {
    ...same,
    ...(limits !== undefined && { limits: formatParameterLimits(limits) }),
    ...(notBefore !== undefined && { not_before: notBefore }),
  }
  parseDeferral(formatted)
  return formatted
}

/** The name of a use or of an action. */
export function isUseName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** Whether a purpose is one that a grant may have. */
export function isPurpose(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_PURPOSE_LENGTH && value.isWellFormed() && !CONTROL.test(value)
}

function parseTerms({ parameters, limits }: JsonObject): Pick<Deferral, 'parameters' | 'limits'> {
  if (parameters === undefined && limits === undefined) throw missing('deferral.parameters or deferral.limits')
  if (parameters !== undefined && limits !== undefined) throw malformed('parameters and limits')
  if (limits !== undefined) return { limits: parseParameterLimits(limits) }
  if (!isJsonObject(parameters)) throw malformed('parameters')
  canonicalJson(parameters)
  return { parameters }
}

/** Whole and not below zero. */
export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function missing(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail })
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: `deferral: ${detail}` })
}
