import type { LookupFunction } from 'node:net'

/** Resolves the host names of the sample world that no resolver knows, and nothing else. */
export function fixedLookup(addresses: Readonly<Record<string, string>>): LookupFunction {
  return (hostname, options, callback) => {
    const address = addresses[hostname]
    if (address === undefined) callback(new Error('unknown host'), '')
    else if (options.all === true) callback(null, [{ address, family: 4 }])
    else callback(null, address, 4)
  }
}
