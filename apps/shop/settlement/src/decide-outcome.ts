import { errorTable, isWimseError } from '@wimse/core'
import { Refusal } from '@wimse/shop-platform'
import { TokenEndpointRefusal } from '@wimse/token-exchange'

/** What becomes of a job that could not be done. */
export type Outcome =
  /** It comes again after that many seconds. */
  | { readonly step: 'retry'; readonly code: string; readonly delaySeconds: number }
  /** It goes to the dead letters, with the code. */
  | { readonly step: 'buried'; readonly code: string }

/** A use that another worker has, a grant that can't be used yet, a token that ended before it was used: all of it passes. */
const PASSING = ['ERR_EXCHANGE_GRANT_HELD', 'ERR_EXCHANGE_GRANT_NOT_YET', 'ERR_TXN_EXPIRED']
/** That we are not known is about us, not about the job. */
const CLIENT_ERRORS = ['invalid_client', 'unauthorized_client']
const ABOUT_US = /^ERR_(?:CREDENTIAL|MTLS|TRUST|WORKLOAD_API|REPLAY_STORE|MESSAGE_BROKER)_/
const LONGEST_DELAY_SECONDS = 10

/**
 * Whether a job is tried again. It is, when what stood in the way may pass by itself: somebody was away, did not answer in time, or has the use of the grant for
 * now. Everything else would fail the same way for ever: the message, its sender, the grant, or the work itself is refused.
 *
 * @param deliveries how often the job was delivered: the pause grows with it
 */
export function decideOutcome(error: unknown, deliveries: number): Outcome {
  const { code, passes } = judge(error)
  if (!passes) return { step: 'buried', code }
  return { step: 'retry', code, delaySeconds: Math.min(LONGEST_DELAY_SECONDS, 2 ** (deliveries - 1)) }
}

function judge(error: unknown): { readonly code: string; readonly passes: boolean } {
  if (error instanceof TokenEndpointRefusal) {
    const { code, reportedCode = code, status, error: oauth = '' } = error
    return {
      code: reportedCode,
      passes: status >= 500 || status === 429 || CLIENT_ERRORS.includes(oauth) || PASSING.includes(reportedCode),
    }
  }
  // 502 for a service that failed, or behind which one did. What it refuses is 403.
  if (error instanceof Refusal) return { code: error.code, passes: error.elsewhere?.status === 502 || PASSING.includes(error.code) }
  if (isWimseError(error)) return { code: error.code, passes: ABOUT_US.test(error.code) || errorTable[error.code].status >= 500 }
  return { code: error instanceof DOMException && error.name === 'TimeoutError' ? 'timeout' : 'failure', passes: true }
}
