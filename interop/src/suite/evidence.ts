import { createHash } from 'node:crypto'
import type { Evidence, EvidenceValue } from './check.ts'

/** How evidence names a token: enough to see that two are the same, and nothing that could be used. */
export function tokenName(kind: string, token: string): string {
  return `«${kind} sha256:${createHash('sha256').update(token).digest('hex').slice(0, 16)}»`
}

/** Any value as evidence: what JSON can't say becomes null. */
export function evidenceOf(value: unknown): EvidenceValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.map(evidenceOf)
  if (typeof value !== 'object') return null
  return evidenceRecord(value)
}

/** The members of an object as evidence, without those that are undefined. */
export function evidenceRecord(value: object): Evidence {
  const members = Object.entries(value).filter(([, member]) => member !== undefined && typeof member !== 'function')
  return Object.fromEntries(members.map(([name, member]) => [name, evidenceOf(member)]))
}
