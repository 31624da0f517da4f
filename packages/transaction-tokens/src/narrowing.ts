import { isJsonObject, type JsonObject, type JsonValue, WimseError } from '@wimse/core'

/** Whether a member of `tctx` may change from one value to another: only where the new one permits less. */
export type NarrowingRule = (before: JsonValue, after: JsonValue) => boolean

/** A limit may go down, and not below zero: beyond it a limit may mean something else. */
export const atMost: NarrowingRule = (before, after) =>
  typeof before === 'number' && typeof after === 'number' && after >= 0 && after <= before

/** A list may lose members, but not all: no member may stand for no limit. */
export const subsetOf: NarrowingRule = (before, after) =>
  Array.isArray(before) && Array.isArray(after) && after.length > 0 && after.every((one) => before.some((other) => sameJson(one, other)))

/**
 * The context of a replacement: what was there, with members added (TXN-13.15-03), and with other values where a rule for that member says
 * that they permit less (TXN-13.15-02). Everything else stays, whole members as they are: no member goes away, and none changes inside.
 *
 * @throws WimseError `ERR_TXN_CONTEXT_WIDER` (TXN-13.15-04)
 */
export function narrowContext(before: JsonObject, changes: JsonObject, rules: Readonly<Record<string, NarrowingRule>>): JsonObject {
  for (const [name, after] of Object.entries(changes)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (old === undefined || after === undefined || sameJson(old, after)) continue
    if (!(Object.hasOwn(rules, name) && rules[name]?.(old, after) === true)) throw new WimseError('ERR_TXN_CONTEXT_WIDER')
  }
  return { ...before, ...changes }
}

function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((member: JsonValue, index) => sameJson(member, other[index]))
  }
  if (isJsonObject(one) && isJsonObject(other)) {
    const names = Object.keys(one)
    return (
      names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name]))
    )
  }
  return one === other
}
