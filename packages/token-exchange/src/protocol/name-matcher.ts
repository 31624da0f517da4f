import { isWimseError, parseIdentifierPattern, parseWorkloadIdentifier } from '@wimse/core'

/** Whether a name is one of those that a rule is about. */
export type NameMatcher = (name: string) => boolean

/**
 * Reads the names of a rule once: each as it is, patterns of workloads that end in `/*`, or `*` for everyone. What is no identifier of a workload
 * fits no pattern of them.
 *
 * @throws WimseError `ERR_IDENTIFIER_PATTERN`
 */
export function createNameMatcher(rules: readonly string[]): NameMatcher {
  const names = new Set(rules.filter((rule) => !rule.endsWith('/*')))
  const patterns = rules.filter((rule) => rule.endsWith('/*')).map(parseIdentifierPattern)
  if (names.has('*')) return () => true
  return (name) => {
    if (names.has(name)) return true
    if (patterns.length === 0) return false
    try {
      const identifier = parseWorkloadIdentifier(name)
      return patterns.some((pattern) => pattern.matches(identifier))
    } catch (error) {
      if (isWimseError(error)) return false
      throw error
    }
  }
}
