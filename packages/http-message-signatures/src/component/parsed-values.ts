import type { Dictionary } from 'structured-headers'

/** A field as a Dictionary, and how often each key occurs in it. */
export interface ParsedDictionary {
  readonly members: Dictionary
  readonly counts: ReadonlyMap<string, number>
}

/**
 * What has been parsed for one signature base, by its text. A signature may cover many members of one long field or query: each would
 * have it parsed whole again, before anything shows that the signature holds.
 */
export interface ParsedValues {
  readonly dictionaries: Map<string, ParsedDictionary>
  /** Values by name, both encoded; undefined for a name that occurs more than once. */
  readonly queries: Map<string, ReadonlyMap<string, string | undefined>>
}
