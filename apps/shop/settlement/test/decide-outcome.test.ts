import { type ErrorCode, WimseError } from '@wimse/core'
import { Refusal } from '@wimse/shop-platform'
import { TokenEndpointRefusal } from '@wimse/token-exchange'
import { describe, expect, it } from 'vitest'
import { decideOutcome } from '../src/decide-outcome.ts'

const told = (status: number, error: string, code?: ErrorCode): TokenEndpointRefusal =>
  new TokenEndpointRefusal(status, error, undefined, code)
const elsewhere = (status: 403 | 502, code: ErrorCode = 'ERR_POLICY_DENIED'): Refusal =>
  new Refusal('payments', code, { hop: 'payments', status })

describe('a job that could not be done', () => {
  it.each([
    ['somebody has the use', told(400, 'invalid_grant', 'ERR_EXCHANGE_GRANT_HELD'), 'ERR_EXCHANGE_GRANT_HELD'],
    ['it is too early', told(400, 'invalid_grant', 'ERR_EXCHANGE_GRANT_NOT_YET'), 'ERR_EXCHANGE_GRANT_NOT_YET'],
    ['the token service fails', told(503, 'temporarily_unavailable'), 'ERR_EXCHANGE_REFUSED'],
    ['the token service has had enough', told(429, 'slow_down'), 'ERR_EXCHANGE_REFUSED'],
    ['the token service does not know us', told(401, 'invalid_client'), 'ERR_EXCHANGE_REFUSED'],
    ['somebody behind payments fails', elsewhere(502, 'ERR_MTLS_CONNECTION'), 'ERR_MTLS_CONNECTION'],
    ['the token ended on the way', elsewhere(403, 'ERR_TXN_EXPIRED'), 'ERR_TXN_EXPIRED'],
    ['payments can not be reached', new WimseError('ERR_MTLS_CONNECTION'), 'ERR_MTLS_CONNECTION'],
    ['the anchors are stale', new WimseError('ERR_TRUST_STALE'), 'ERR_TRUST_STALE'],
    ['we have no credential', new WimseError('ERR_CREDENTIAL_UNAVAILABLE'), 'ERR_CREDENTIAL_UNAVAILABLE'],
    ['the broker is away', new WimseError('ERR_MESSAGE_BROKER_UNAVAILABLE'), 'ERR_MESSAGE_BROKER_UNAVAILABLE'],
    ['nobody answers in time', new DOMException('', 'TimeoutError'), 'timeout'],
    ['something else fails', new TypeError('x'), 'failure'],
  ])('is tried again when %s', (_title, error, code) => {
    expect(decideOutcome(error, 1)).toEqual({ step: 'retry', code, delaySeconds: 1 })
  })

  it.each([
    ['the grant is withdrawn', told(400, 'invalid_grant', 'ERR_EXCHANGE_GRANT_REVOKED'), 'ERR_EXCHANGE_GRANT_REVOKED'],
    ['the use is finished', told(400, 'invalid_grant', 'ERR_EXCHANGE_GRANT_REPLAYED'), 'ERR_EXCHANGE_GRANT_REPLAYED'],
    ['the token service does not say why', told(400, 'invalid_grant'), 'ERR_EXCHANGE_REFUSED'],
    ['payments refuses', elsewhere(403), 'ERR_POLICY_DENIED'],
    ['the proof fails', new WimseError('ERR_MESSAGE_PROOF_SIGNATURE'), 'ERR_MESSAGE_PROOF_SIGNATURE'],
    ['the WIT of the sender fails', new WimseError('ERR_WIT_EXPIRED'), 'ERR_WIT_EXPIRED'],
    ['it is malformed', new WimseError('ERR_MESSAGE_MALFORMED'), 'ERR_MESSAGE_MALFORMED'],
  ])('is given up when %s', (_title, error, code) => {
    expect(decideOutcome(error, 1)).toEqual({ step: 'buried', code })
  })

  it('is tried again later each time, and no later than ten seconds', () => {
    const pauses = [1, 2, 3, 4, 5, 1_000].map((deliveries) => decideOutcome(new TypeError('x'), deliveries))
    expect(pauses.map((outcome) => 'delaySeconds' in outcome && outcome.delaySeconds)).toEqual([1, 2, 4, 8, 10, 10])
  })
})
