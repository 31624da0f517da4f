import type { JsonObject } from '@wimse/core'

/**
 * The claim `deferral` of a token that this service issued, for what is made of it: what came of deferred work is known as that however often it is
 * exchanged, and makes no other grant. What other issuers call so is nothing of ours.
 */
export function keptDeferral({ iss, deferral }: JsonObject, issuer: string): JsonObject {
  return iss === issuer && deferral !== undefined ? { deferral } : {}
}
