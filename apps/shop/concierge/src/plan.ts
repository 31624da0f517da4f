import { isJsonObject, type JsonObject } from '@wimse/core'

/** What the agent has decided to buy. */
export interface Purchase {
  readonly item: string
  readonly amount: number
}

/**
 * The agent's "model": the first thing in the catalog that one of the words of the wish could mean; undefined when there is none. Whatever it
 * comes up with, and whoever talked it into that, it has no more authority than was handed to it.
 */
export function plan(want: string, catalog: JsonObject): Purchase | undefined {
  const words = want.toLowerCase().match(/\w{3,}/g) ?? []
  const items = Array.isArray(catalog['items']) ? catalog['items'].filter(isJsonObject) : []
  for (const { item, amount } of items) {
    if (typeof item === 'string' && typeof amount === 'number' && words.some((word) => item.includes(word))) return { item, amount }
  }
  return undefined
}
