import { Code, ConnectError } from '@connectrpc/connect'
import { headerGrpcMessage, headerGrpcStatus, headerStatusDetailsBin, setTrailerStatus } from '@connectrpc/connect/protocol-grpc'
import { type ErrorCode, errorTable, isWimseError } from '@wimse/core'

const CODE_FIELD = 'wimse-ts-error-code'

const STATUSES: Readonly<Record<number, Code>> = {
  400: Code.Unauthenticated,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  413: Code.ResourceExhausted,
  502: Code.Unauthenticated,
  503: Code.Unavailable,
}

/**
 * A refusal as gRPC says it: status `UNAUTHENTICATED`, or what fits better, the sentence for remote callers, and the code in the trailer. What
 * is no WimseError is a fault of ours, and nothing of it is told.
 */
export function refusal(failure: unknown): ConnectError {
  if (failure instanceof ConnectError) return failure
  if (!isWimseError(failure)) return new ConnectError('internal error', Code.Internal, undefined, undefined, failure)
  const status = STATUSES[errorTable[failure.code].status] ?? Code.Internal
  return new ConnectError(failure.message, status, { [CODE_FIELD]: failure.code }, undefined, failure)
}

/** Makes a trailer say that the call failed with this error and no other: details would count for more than the status. */
export function overrideStatus(trailer: Headers, error: ConnectError): void {
  for (const name of [CODE_FIELD, headerStatusDetailsBin]) trailer.delete(name)
  setTrailerStatus(trailer, error)
}

/** Everything in a trailer, or in a header that stands for one, by which a client tells success from failure. */
export function statusText(trailer: Headers | undefined): string {
  return [headerGrpcStatus, headerGrpcMessage, headerStatusDetailsBin].map((name) => trailer?.get(name) ?? '').join(' ')
}

/** Whether it says plainly that the call failed. What could be read either way is no failure. */
export function isFailure(trailer: Headers): boolean {
  return /^(?:[1-9]|1[0-6])$/.test(trailer.get(headerGrpcStatus) ?? '') && !trailer.has(headerStatusDetailsBin)
}

/**
 * The code of a refused call, at the client: of its own refusal of a response, or of what the server says. The latter is a hint for operators:
 * nothing proves it.
 */
export function errorCodeOf(failure: unknown): ErrorCode | undefined {
  if (isWimseError(failure)) return failure.code
  if (!(failure instanceof ConnectError)) return undefined
  if (isWimseError(failure.cause)) return failure.cause.code
  const code = failure.metadata.get(CODE_FIELD)
  return code !== null && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined
}
