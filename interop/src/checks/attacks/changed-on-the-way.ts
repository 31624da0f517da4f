import { createHash } from 'node:crypto'
import type { ErrorCode } from '@wimse/core'
import type { Check } from '../../suite/check.ts'
import type { Tamper } from '../../world/control-protocol.ts'
import { attackChecks } from '../attack.ts'

const OTHER_BODY = '{"amount":100000}'
const DIGEST_OF_OTHER_BODY = `sha-256=:${createHash('sha256').update(OTHER_BODY).digest('base64')}:`

interface Change {
  readonly name: string
  readonly title: string
  readonly requirements: readonly string[]
  readonly tamper: readonly Tamper[]
  readonly code: ErrorCode
}

const changes: readonly Change[] = [
  {
    name: 'body-changed',
    title: 'another body',
    requirements: ['SIG-3-21', 'SIG-3-22'],
    tamper: [{ kind: 'body', value: OTHER_BODY }],
    code: 'ERR_DIGEST_MISMATCH',
  },
  {
    name: 'body-and-digest-changed',
    title: 'another body with its own digest',
    requirements: ['SIG-3-09', 'SIG-3-01'],
    tamper: [
      { kind: 'body', value: OTHER_BODY },
      { kind: 'set-header', name: 'content-digest', value: DIGEST_OF_OTHER_BODY },
    ],
    code: 'ERR_HTTP_SIGNATURE_INVALID',
  },
  {
    name: 'digest-removed',
    title: 'the digest of the body is taken away',
    requirements: ['SIG-3-20', 'SIG-3-09'],
    tamper: [{ kind: 'remove-header', name: 'content-digest' }],
    code: 'ERR_HTTP_MESSAGE_COMPONENT_MISSING',
  },
  {
    name: 'path-changed',
    title: 'another path: the audience names the one that was meant',
    requirements: ['SIG-3-03', 'SIG-3.2-06'],
    tamper: [{ kind: 'path', value: '/http-signature/charges/refund' }],
    code: 'ERR_HTTP_SIGNATURE_AUD',
  },
  {
    name: 'query-changed',
    title: 'another query',
    requirements: ['SIG-3-04', 'SIG-3-01'],
    tamper: [{ kind: 'query', value: 'currency=USD' }],
    code: 'ERR_HTTP_SIGNATURE_INVALID',
  },
  {
    name: 'method-changed',
    title: 'another method',
    requirements: ['SIG-3-02', 'SIG-3-01'],
    tamper: [{ kind: 'method', value: 'PUT' }],
    code: 'ERR_HTTP_SIGNATURE_INVALID',
  },
  {
    name: 'header-changed',
    title: 'another content type',
    requirements: ['SIG-3-08', 'SIG-3-01'],
    tamper: [{ kind: 'set-header', name: 'content-type', value: 'text/plain' }],
    code: 'ERR_HTTP_SIGNATURE_INVALID',
  },
]

/** What HTTP signatures cover, changed between signing and sending; of it, a WPT covers the path alone. */
export const changedOnTheWayChecks: readonly Check[] = [
  ...changes.flatMap(({ tamper, code, ...change }) =>
    attackChecks({ ...change, proof: 'http-signature', change: { tamper }, expect: { refused: code } }),
  ),
  ...attackChecks({
    name: 'path-changed',
    title: 'another path: the audience names the one that was meant',
    proof: 'wpt',
    requirements: ['WPT-2-11', 'WPT-2-34', 'WPT-2.1-02', 'WPT-2.1-03'],
    change: { tamper: [{ kind: 'path', value: '/wpt/charges/refund' }] },
    expect: { refused: 'ERR_WPT_AUD' },
  }),
]
