import { Code, ConnectError } from '@connectrpc/connect'
import { type ErrorCode, isWimseError, WimseError } from '@wimse/core'

type WorkloadApiErrorCode = Extract<ErrorCode, `ERR_WORKLOAD_API_${string}`>

const CODES: ReadonlyMap<Code, WorkloadApiErrorCode> = new Map([
  [Code.InvalidArgument, 'ERR_WORKLOAD_API_INVALID_ARGUMENT'],
  [Code.Unimplemented, 'ERR_WORKLOAD_API_UNIMPLEMENTED'],
  [Code.PermissionDenied, 'ERR_WORKLOAD_API_NO_IDENTITY'],
])

/**
 * A failed call under the code of this package. The server's own sentence stays in `cause`: it may quote the request.
 *
 * @see SPIFFE Workload Endpoint, section 6 and appendix A
 */
export function workloadApiError(failure: unknown): WimseError {
  if (isWimseError(failure)) return failure
  const error = ConnectError.from(failure)
  return new WimseError(CODES.get(error.code) ?? 'ERR_WORKLOAD_API_UNAVAILABLE', {
    detail: `gRPC status ${Code[error.code]}`,
    cause: error,
  })
}

/**
 * Whether to stop calling after a failure: the standards' code tables name `InvalidArgument` (WLEP-6-02, WLEP-A-01) and
 * `Unimplemented` (WLEP-A-04, WLAPI-7-02). Everything else may pass.
 */
export function isFinal(error: WimseError): boolean {
  return isWimseError(error, 'ERR_WORKLOAD_API_INVALID_ARGUMENT', 'ERR_WORKLOAD_API_UNIMPLEMENTED')
}

/** A message that breaks the rules of its profile (WLAPI-4.5-02). */
export function malformed(detail: string, cause?: unknown): WimseError {
  return new WimseError('ERR_WORKLOAD_API_RESPONSE', { detail, ...(cause !== undefined && { cause }) })
}
