import { WimseError } from '../errors/wimse-error.ts'
import { parseWorkloadIdentifier, type WorkloadIdentifier } from './workload-identifier.ts'

/**
 * What a caller uses to reach a workload (an origin URL such as `https://payments.shop.example`, a host, a service name) mapped to
 * the identifier that it expects there: a table, or a function of the deployment (ID-5-01, ID-5-02). Nothing is ever derived from a
 * host name, an address or a path (ID-5-03).
 */
export type PeerMapping = Readonly<Record<string, string>> | ((handle: string) => string | undefined)

/** Finds the expected identifier of a handle, or throws. {@link createPeerLookup} makes one. */
export type PeerLookup = (handle: string) => WorkloadIdentifier

/**
 * Turns a mapping into a look-up. A table is checked whole at once: a wrong identifier in a configuration is found at start.
 *
 * @throws WimseError of {@link parseWorkloadIdentifier}; the look-up throws `ERR_IDENTIFIER_UNMAPPED` for a handle without an entry
 */
export function createPeerLookup(mapping: PeerMapping): PeerLookup {
  if (typeof mapping === 'function') {
    return (handle) => parseWorkloadIdentifier(mapping(handle) ?? unmapped())
  }
  const table = new Map(Object.entries(mapping).map(([handle, text]) => [handle, parseWorkloadIdentifier(text)]))
  return (handle) => table.get(handle) ?? unmapped()
}

function unmapped(): never {
  throw new WimseError('ERR_IDENTIFIER_UNMAPPED')
}
