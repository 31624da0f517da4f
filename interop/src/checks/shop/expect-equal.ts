import { isDeepStrictEqual } from 'node:util'
import { CheckFailure, type Evidence } from '../../suite/check.ts'
import { evidenceOf } from '../../suite/evidence.ts'

/**
 * Every expected member is found with that value; others may be there. `undefined` stands for a member that may not be there.
 *
 * @throws CheckFailure that names the members that differ, with their values: give it nothing secret
 */
export function expectMembers(what: string, found: object, expected: Readonly<Record<string, unknown>>, evidence: Evidence = {}): void {
  const members = new Map<string, unknown>(Object.entries(found))
  const differs = Object.entries(expected).filter(([name, value]) => !isDeepStrictEqual(members.get(name), value))
  if (differs.length === 0) return
  const list = differs.map(([name, value]) => `${name} is ${show(members.get(name))}, expected ${show(value)}`)
  throw new CheckFailure(`${what}: ${list.join('; ')}`, { ...evidence, found: evidenceOf(Object.fromEntries(members)) })
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value)
}
