import { JetStreamApiError } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'
import { isWimseError, WimseError } from '@wimse/core'

/**
 * The code of whatever the client failed with. Messages of the client and of the broker may quote anything: only the kind of the failure
 * and the number that the broker gave are kept.
 */
export function codedFailure(error: unknown): WimseError {
  if (isWimseError(error)) return error
  if (error instanceof JetStreamApiError) {
    const refused = error.status < 500
    return new WimseError(refused ? 'ERR_MESSAGE_BROKER_REFUSED' : 'ERR_MESSAGE_BROKER_UNAVAILABLE', { detail: `JetStream ${error.code}` })
  }
  const detail = error instanceof Error ? error.name : 'connection'
  const cause = error instanceof Error ? error.cause : undefined
  for (const kind of [error, cause]) {
    if (kind instanceof errors.AuthorizationError || kind instanceof errors.PermissionViolationError) {
      return new WimseError('ERR_MESSAGE_BROKER_REFUSED', { detail: kind.name })
    }
    if (kind instanceof errors.InvalidArgumentError || kind instanceof errors.InvalidSubjectError) {
      return new WimseError('ERR_OPTIONS_INVALID', { detail: kind.name })
    }
  }
  return new WimseError('ERR_MESSAGE_BROKER_UNAVAILABLE', { detail })
}

/** The outcome of a step with the broker, failures coded. */
export async function coded<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw codedFailure(error)
  }
}
