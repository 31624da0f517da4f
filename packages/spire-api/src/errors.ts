import { Code, ConnectError } from '@connectrpc/connect'
import { type ErrorCode, WimseError } from '@wimse/core'
import type { Status } from './generated/spire/api/types/status_pb.ts'

type SpireApiErrorCode = Extract<ErrorCode, `ERR_SPIRE_API_${string}`>

export function spireApiError(code: SpireApiErrorCode, detail: string, cause?: unknown): WimseError {
  return new WimseError(code, { detail, ...(cause !== undefined && { cause }) })
}

/** Batch calls answer with a status for each item, in the numbers of gRPC. @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_MALFORMED */
export function checkStatus(status: Status | undefined): void {
  if (status === undefined) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server lacks a status')
  if (status.code !== 0) throw spireApiError(codeFor(status.code), describe(status.code))
}

/**
 * Runs a call and gives its failures the codes of this package. With `notFound`, that value stands for the answer `NotFound`.
 * SPIRE's own sentence stays in `cause` only: it may quote the request.
 */
export async function translateErrors<T, F = never>(call: () => Promise<T>, fallback?: { readonly notFound: F }): Promise<T | F> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof WimseError) throw cause
    const error = ConnectError.from(cause)
    if (fallback !== undefined && error.code === Code.NotFound) return fallback.notFound
    const local = connectionFailure(error.cause)
    if (local !== undefined) throw local
    throw spireApiError(codeFor(error.code), describe(error.code), error)
  }
}

// What fails on this side of the wire has the failure of TLS or of the socket as its cause; an answer has none.
function connectionFailure(cause: unknown): WimseError | undefined {
  if (cause instanceof WimseError) return cause
  if (!(cause instanceof Error)) return undefined
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown'
  return PATH_FAILURE.test(code)
    ? spireApiError('ERR_SPIRE_API_PEER', `certificate path: ${code}`, cause)
    : spireApiError('ERR_SPIRE_API_UNAVAILABLE', `connection: ${code}`, cause)
}

// Names of X.509 verification results, as node:tls has them.
const PATH_FAILURE = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERR_TLS_CERT_)/

function codeFor(code: number): SpireApiErrorCode {
  switch (code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Canceled:
    case Code.Aborted:
    case Code.ResourceExhausted:
      return 'ERR_SPIRE_API_UNAVAILABLE'
    case Code.InvalidArgument:
      return 'ERR_SPIRE_API_ARGUMENT'
    case Code.Unimplemented:
      return 'ERR_SPIRE_API_UNIMPLEMENTED'
    default:
      return 'ERR_SPIRE_API_REFUSED'
  }
}

function describe(code: number): string {
  return `gRPC status ${Code[code] ?? code}`
}
