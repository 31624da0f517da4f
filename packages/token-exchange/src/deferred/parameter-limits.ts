import { isJsonObject, type JsonObject, type JsonValue, WimseError } from '@wimse/core'
import { canonicalJson } from './canonical-json.ts'

/** What a parameter may be, where it isn't known yet. */
export type ParameterLimit =
  /** A number from zero up to this one. */
  | { readonly atMost: number }
  /** This value alone. */
  | { readonly equals: JsonValue }

/** Limits by the name of the parameter. Each of these parameters has to be there; any other one that the action knows may have any value. */
export type ParameterLimits = Readonly<Record<string, ParameterLimit>>

/** Parameters in a set of limits at most. */
export const MAX_LIMITED_PARAMETERS = 32

/**
 * Reads limits as requests and grants have them: an object of `{ "at_most": number }` or `{ "equals": value }` by the name of the parameter, at least
 * one.
 *
 * @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED`
 */
export function parseParameterLimits(value: unknown): ParameterLimits {
  if (!isJsonObject(value)) throw refused()
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.length > MAX_LIMITED_PARAMETERS) throw refused()
  return Object.fromEntries(entries.map(([name, limit]) => [checkName(name), parseLimit(limit)]))
}

/** The reverse of {@link parseParameterLimits}. @throws WimseError `ERR_EXCHANGE_PARAMETER_MALFORMED` */
export function formatParameterLimits(limits: ParameterLimits): JsonObject {
  const formatted = Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [name, 'atMost' in limit ? { at_most: limit.atMost } : { equals: limit.equals }]),
  )
  parseParameterLimits(formatted)
  return formatted
}

/** Whether every limited parameter is there and within its limit. About others limits say nothing. */
export function withinLimits(parameters: JsonObject, limits: ParameterLimits): boolean {
  return Object.entries(limits).every(([name, limit]) => {
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (value === undefined) return false
    // Below zero a number may mean the opposite.
    if ('atMost' in limit) return typeof value === 'number' && value >= 0 && value <= limit.atMost
    return canonicalJson(value) === canonicalJson(limit.equals)
  })
}

function parseLimit(value: unknown): ParameterLimit {
  if (!isJsonObject(value) || Object.keys(value).length !== 1) throw refused()
  const { at_most: atMost, equals } = value
  if (equals !== undefined) {
    canonicalJson(equals)
    return { equals }
  }
  if (typeof atMost !== 'number' || !Number.isFinite(atMost) || atMost < 0) throw refused()
  return { atMost }
}

function checkName(name: string): string {
  canonicalJson(name)
  if (name === '' || name === '__proto__') throw refused()
  return name
}

function refused(): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: 'limits' })
}
