import { isIP } from 'node:net'
import { WimseError } from '@wimse/core'

/** Where a Workload API listens. */
export type WorkloadApiAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** The variable that names the endpoint where the program is given no address. */
export const ENDPOINT_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET'

/** Longest socket path in octets: what Linux takes, its terminating zero left out. */
export const MAX_SOCKET_PATH_BYTES = 107

const PATH = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/

/**
 * The address to use: the one given (WLEP-4-01), else the value of `SPIFFE_ENDPOINT_SOCKET` (WLEP-4-02).
 *
 * @throws WimseError `ERR_WORKLOAD_API_ENDPOINT`, also when there is neither
 * @see SPIFFE Workload Endpoint, section 4
 */
export function workloadApiAddressOf(
  address: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): WorkloadApiAddress {
  const text = address ?? environment[ENDPOINT_VARIABLE]
  if (text === undefined || text === '') throw refused(`no address is given and ${ENDPOINT_VARIABLE} is not set`)
  return parseWorkloadApiAddress(text)
}

/**
 * Parses a Workload API address, `unix:///absolute/path` or `tcp://<IP address>:<port>`. In order: scheme (WLEP-4-03, WLEP-4-04),
 * authority, path, and nothing else. Whether anything listens there is not checked.
 *
 * @throws WimseError `ERR_WORKLOAD_API_ENDPOINT`
 * @see SPIFFE Workload Endpoint, section 4
 */
export function parseWorkloadApiAddress(text: string): WorkloadApiAddress {
  if (typeof text !== 'string') throw refused('not a text')
  if (text.startsWith('unix:')) return parseUnix(text.slice('unix:'.length))
  if (text.startsWith('tcp://')) return parseTcp(text.slice('tcp://'.length))
  throw refused('the scheme is neither unix nor tcp')
}

function parseUnix(rest: string): WorkloadApiAddress {
  const hasAuthority = rest.startsWith('//')
  const encoded = hasAuthority ? rest.slice(2) : rest
  if (/[?#]/.test(encoded)) throw refused('a unix address has more than a scheme and a path') // WLEP-4-07
  if (!encoded.startsWith('/')) {
    // WLEP-4-05, WLEP-4-06
    throw refused(hasAuthority ? 'a unix address has an authority' : 'the path of a unix address is not absolute')
  }
  if (!PATH.test(encoded)) throw refused('the path of a unix address is no URI path')
  const path = decodePath(encoded)
  if (path.endsWith('/') || path.includes('\0')) throw refused('the path of a unix address names no socket')
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) throw refused(`a socket path has more than ${MAX_SOCKET_PATH_BYTES} octets`)
  return { kind: 'unix', path }
}

function parseTcp(rest: string): WorkloadApiAddress {
  if (/[/?#@]/.test(rest)) throw refused('a tcp address has more than a scheme, a host and a port') // WLEP-4-10
  const match = HOST_AND_PORT.exec(rest)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  if (match === null || port === 0 || port > 65_535) throw refused('a tcp address needs a port') // WLEP-4-09
  if (isIP(host) !== (match[1] === undefined ? 4 : 6)) throw refused('the host of a tcp address is no IP address') // WLEP-4-08
  return { kind: 'tcp', host, port }
}

function decodePath(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw refused('the path of a unix address is not UTF-8')
  }
}

function refused(detail: string): WimseError {
  return new WimseError('ERR_WORKLOAD_API_ENDPOINT', { detail })
}
