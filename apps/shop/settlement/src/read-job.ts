import { fieldValues, isJsonObject, isWimseError, type JsonObject, parseStrictJsonObject, WimseError } from '@wimse/core'
import type { VerifiedMessage } from '@wimse/message-proof'
import { GRANT_FIELD, type Job, jobSubject } from '@wimse/shop-platform'

/** A job that a workload has sent, with the grant that it carries. Neither is believed yet: what may be done the grant says, to the token service. */
export interface SentJob extends Job {
  readonly amount: number
  readonly grant: string
}

const NAME = /^[\w.:-]{1,128}$/
const MEMBERS = ['job', 'action', 'parameters', 'use']

/**
 * Reads the job of a message whose proof holds. In order: JSON that is an object with the members of a job and no other; names; the action, which is the one of
 * the subject that it lay under; an amount among the parameters; the grant, which has to be bound by the proof.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED`
 */
export function readJob(
  { message: { payload, fields }, boundFields }: Pick<VerifiedMessage, 'message' | 'boundFields'>,
  subject: string,
): SentJob {
  const { job, action, parameters, use, ...others } = objectOf(payload)
  if (Object.keys(others).length > 0) throw malformed(`beside ${MEMBERS.join(', ')}`)
  if (typeof job !== 'string' || !NAME.test(job)) throw malformed('job')
  if ((action !== 'settle' && action !== 'restock') || jobSubject(action) !== subject) throw malformed('action')
  if (!isJsonObject(parameters)) throw malformed('parameters')
  if (use !== undefined && (typeof use !== 'string' || !NAME.test(use))) throw malformed('use')
  const { amount } = parameters
  if (typeof amount !== 'number') throw malformed('amount')
  const [grant] = fieldValues(fields, GRANT_FIELD)
  if (grant === undefined || boundFields[GRANT_FIELD] === undefined) throw malformed(GRANT_FIELD)
  return { job, action, parameters, amount, grant, ...(use !== undefined && { use }) }
}

function objectOf(payload: Uint8Array): JsonObject {
  try {
    return parseStrictJsonObject(payload)
  } catch (error) {
    throw isWimseError(error) ? malformed('no JSON object') : error
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_MESSAGE_MALFORMED', { detail })
}
