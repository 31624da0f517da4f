import type { ErrorCode } from '@wimse/core'
import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

interface Doubled {
  readonly proof: 'wpt' | 'http-signature' | 'jwt-svid'
  readonly field: string
  readonly code: ErrorCode
  readonly requirements: readonly string[]
}

const doubled: readonly Doubled[] = [
  { proof: 'wpt', field: 'workload-identity-token', code: 'ERR_WIT_HEADER_COUNT', requirements: ['CRED-5.1.1-02'] },
  { proof: 'wpt', field: 'authorization', code: 'ERR_WPT_AUTHORIZATION_COUNT', requirements: ['WPT-2-28', 'WPT-2.2-01'] },
  { proof: 'http-signature', field: 'workload-identity-token', code: 'ERR_WIT_HEADER_COUNT', requirements: ['CRED-5.1.1-02'] },
  { proof: 'http-signature', field: 'signature', code: 'ERR_HTTP_MESSAGE_LABEL_DUPLICATE', requirements: ['HMS-4-02', 'HMS-4.2-05'] },
  { proof: 'http-signature', field: 'signature-input', code: 'ERR_HTTP_MESSAGE_LABEL_DUPLICATE', requirements: ['HMS-4-02', 'HMS-4.1-06'] },
  { proof: 'http-signature', field: 'content-digest', code: 'ERR_HTTP_SIGNATURE_INVALID', requirements: ['SIG-3-09', 'SIG-3-01'] },
  { proof: 'jwt-svid', field: 'authorization', code: 'ERR_JWT_SVID_MALFORMED', requirements: ['JSVID-5.1-01'] },
]

/** The line of a header field twice: two parties could read two different things. */
export const doubledHeaderChecks: readonly Check[] = doubled.flatMap(({ proof, field, code, requirements }) =>
  attackChecks({
    name: `doubled-${field}`,
    title: `${field} is there twice`,
    proof,
    requirements,
    change: { tamper: [{ kind: 'double-header', name: field }] },
    expect: { refused: code },
  }),
)
