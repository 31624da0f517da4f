import { type IdentifierPattern, matchesAny, parseIdentifierPattern, WimseError, type WorkloadIdentifier } from '@wimse/core'

/** A place for which tokens are issued. */
export interface Target {
  /** What `aud` of an issued token will be: a resource, or the issuer identifier of another domain's authorization server. */
  readonly audience: string
  /** Logical names by which clients may ask for it (TEX-2.1-10, CHN-2.3.1-05). */
  readonly names?: readonly string[]
  /** URIs by which clients may ask for it (CHN-2.3.1-04); compared as they are. */
  readonly resources?: readonly string[]
  /** Which workloads may ask for it: identifiers, or patterns that end in `/*`. */
  readonly allow: readonly string[]
}

/** Finds targets. {@link createTargetTable} makes one. */
export interface TargetTable {
  /**
   * The one target that a request names; several names of the same target are one.
   *
   * @throws WimseError `ERR_EXCHANGE_PARAMETER_MISSING` for a request that names none (CHN-2.3.1-03); `ERR_EXCHANGE_TARGET` for an unknown
   *   one (CHN-2.3.2-02), one that this client may not ask for (CHN-2.3.2-03), or more than one (TEX-2.1.1-03, CHN-2.3.3-04)
   */
  resolve(request: { readonly audiences: readonly string[]; readonly resources: readonly string[] }, client: WorkloadIdentifier): Target
}

/**
 * Reads the targets of a service once. Each name and each resource belongs to one target (TEX-2.1-11). The rights of a request are all its
 * scopes at all its targets (TEX-2.1.1-01): tokens are issued for one.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_IDENTIFIER_PATTERN`
 */
export function createTargetTable(targets: readonly Target[]): TargetTable {
  const byName = new Map<string, Target>()
  const byResource = new Map<string, Target>()
  const allowed = new Map<Target, readonly IdentifierPattern[]>()
  const enter = (index: Map<string, Target>, key: string, target: Target): void => {
    if (typeof key !== 'string' || key === '') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a target without a name' })
    // TEX-2.1-11
    if (index.has(key)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'two targets with one name' })
    index.set(key, target)
  }
  for (const target of targets) {
    for (const name of new Set([target.audience, ...(target.names ?? [])])) enter(byName, name, target)
    for (const resource of new Set([target.audience, ...(target.resources ?? [])])) enter(byResource, resource, target)
    allowed.set(target, target.allow.map(parseIdentifierPattern))
  }
  return {
    resolve({ audiences, resources }, client) {
      // CHN-2.3.1-03
      if (audiences.length + resources.length === 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'a target' })
      const named = new Set([...audiences.map((name) => byName.get(name)), ...resources.map((resource) => byResource.get(resource))])
      const [target, ...others] = named
      if (target === undefined || others.length > 0) throw new WimseError('ERR_EXCHANGE_TARGET', { detail: 'unknown, or more than one' })
      // CHN-2.3.2-03
      if (!matchesAny(allowed.get(target) ?? [], client)) throw new WimseError('ERR_EXCHANGE_TARGET', { detail: 'not for this client' })
      return target
    },
  }
}
