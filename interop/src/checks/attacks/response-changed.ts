import type { ErrorCode } from '@wimse/core'
import type { Check } from '../../suite/check.ts'
import type { ResponseTamper } from '../../world/control-protocol.ts'
import { attackChecks } from '../attack.ts'

interface ChangedResponse {
  readonly name: string
  readonly title: string
  readonly tamperResponse: ResponseTamper
  readonly code: ErrorCode
  readonly requirements: readonly string[]
}

const changed: readonly ChangedResponse[] = [
  {
    name: 'response-unsigned',
    title: 'the response without its signature',
    tamperResponse: 'strip-signature',
    code: 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED',
    requirements: ['SIG-3.5-06', 'SIG-3.3-02'],
  },
  {
    name: 'response-body-changed',
    title: 'another body of the response',
    tamperResponse: 'body',
    code: 'ERR_DIGEST_MISMATCH',
    requirements: ['SIG-3-18', 'SIG-3-22', 'SIG-3.5-09'],
  },
  {
    name: 'response-status-changed',
    title: 'another status of the response',
    tamperResponse: 'status',
    code: 'ERR_HTTP_SIGNATURE_INVALID',
    requirements: ['SIG-3-13', 'SIG-3.5-09'],
  },
  {
    name: 'response-of-another-request',
    title: 'the signed response to another request',
    tamperResponse: 'of-another-request',
    code: 'ERR_HTTP_SIGNATURE_RESPONSE_NONCE',
    requirements: ['SIG-3.4-03', 'SIG-3.5-10'],
  },
]

/** The caller asked for a signed response and takes no other. */
export const responseChangedChecks: readonly Check[] = changed.flatMap(({ tamperResponse, code, ...attack }) =>
  attackChecks({ ...attack, proof: 'http-signature-response', change: { tamperResponse }, expect: { notAccepted: code } }),
)
