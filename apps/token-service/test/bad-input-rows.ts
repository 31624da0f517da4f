import { utf8 } from '@wimse/core'
import type { ProofChoice } from '@wimse/workload/node'
import { ACCESS_TYPE, BANK_ISSUER, TXN_TYPE } from './harness.ts'

/** The grants of the token endpoint: a transaction is started, an access token exchanged, a grant redeemed. */
export type Flow = 'transaction' | 'exchange' | 'redemption'
/** Names and values as they stand in the body. */
export type Form = readonly (readonly [name: string, encoded: string])[]
export type Fields = readonly (readonly [name: string, value: string])[]

/** What is done to a request that would be answered with a token, and which OAuth error that has to get. */
export interface Row {
  readonly title: string
  readonly flow: Flow
  readonly error: string
  readonly status?: number
  readonly form?: (form: Form) => Form
  readonly body?: (body: string) => string | Uint8Array
  readonly method?: string
  readonly query?: (body: string) => string
  readonly fields?: Fields | (() => Promise<Fields>)
  readonly proof?: ProofChoice
}

export const SECRET = 'S3CRET-canary'
export const FORM_FIELDS: Fields = [['content-type', 'application/x-www-form-urlencoded']]
export const FLOWS: readonly Flow[] = ['transaction', 'exchange', 'redemption']
const OWN: Readonly<Record<Flow, readonly string[]>> = {
  transaction: ['subject_token', 'subject_token_type', 'audience', 'scope', 'requested_token_type', 'request_context', 'request_details'],
  exchange: ['subject_token', 'subject_token_type', 'audience', 'scope', 'requested_token_type'],
  redemption: ['assertion', 'scope', 'resource'],
}
const ALL = ['grant_type', 'client_id', 'client_assertion', 'client_assertion_type', 'resource', 'actor_token', 'actor_token_type']
const REPEATABLE = ['audience', 'resource']

export const raw = (value: string): string => encodeURIComponent(value)
const without = (name: string) => (form: Form) => form.filter(([other]) => other !== name)
export const set = (name: string, encoded: string) => (form: Form) => [...without(name)(form), [name, encoded] as const]
const again = (name: string) => (form: Form) => [
  ...form,
  ...(form.some(([other]) => other === name) ? [] : [[name, 'a'] as const]),
  [name, SECRET] as const,
]

/** Faults of the form itself: the same for each parameter, whether the flow needs it or not. */
const formFaults: readonly Row[] = FLOWS.flatMap((flow) =>
  [...new Set([...ALL, ...OWN[flow]])].flatMap((name): Row[] => [
    ...(REPEATABLE.includes(name) ? [] : [{ title: `${name} twice`, flow, error: 'invalid_request', form: again(name) }]),
    { title: `${name} that is not UTF-8`, flow, error: 'invalid_request', form: set(name, `${SECRET}%ff`) },
    { title: `${name} with a control character`, flow, error: 'invalid_request', form: set(name, `${SECRET}%00`) },
    { title: `${name} that is not percent-encoded`, flow, error: 'invalid_request', form: set(name, `${SECRET}%zz`) },
  ]),
)

/** What each flow needs: without it, and with nothing in it. */
const NEEDED: Readonly<Record<Flow, readonly string[]>> = {
  transaction: ['grant_type', 'subject_token', 'subject_token_type', 'audience', 'scope', 'requested_token_type'],
  exchange: ['grant_type', 'subject_token', 'subject_token_type', 'audience'],
  redemption: ['grant_type', 'assertion', 'resource'],
}
const missing: readonly Row[] = FLOWS.flatMap((flow) =>
  NEEDED[flow].flatMap((name) => [
    { title: `no ${name}`, flow, error: 'invalid_request', form: without(name) },
    { title: `${name} that is empty`, flow, error: 'invalid_request', form: set(name, '') },
  ]),
)

/** Values of one parameter, with the error that the specification has for them. */
type Values = Readonly<Record<string, readonly (readonly [what: string, value: string, error: string])[]>>

export const LARGE = `${SECRET}${'x'.repeat(20_000)}`
const EVERYWHERE: Values = {
  grant_type: [
    ['too large', LARGE, 'unsupported_grant_type'],
    ['malformed', 'token-exchange', 'unsupported_grant_type'],
    ['unknown', `urn:example:${SECRET}`, 'unsupported_grant_type'],
    ['of a code', 'authorization_code', 'unsupported_grant_type'],
    ['of the client itself', 'client_credentials', 'unsupported_grant_type'],
  ],
  scope: [
    ['too large', LARGE, 'invalid_scope'],
    ['malformed', `${SECRET}  a`, 'invalid_scope'],
    ['in quotation marks', `"${SECRET}"`, 'invalid_scope'],
    ['with one value twice', 'orders orders', 'invalid_scope'],
    ['unknown', SECRET, 'invalid_scope'],
  ],
  client_id: [
    ['too large', LARGE, 'invalid_request'],
    ['malformed', SECRET, 'invalid_client'],
    ['of another', 'spiffe://shop.example/other', 'invalid_client'],
  ],
  resource: [
    ['too large', `https://${LARGE}`, 'invalid_request'],
    ['malformed', `${SECRET} /`, 'invalid_request'],
    ['with a fragment', `https://shop.example/#${SECRET}`, 'invalid_request'],
    ['unknown', `https://shop.example/${SECRET}`, 'invalid_target'],
  ],
}
const EXCHANGES: Values = {
  subject_token: [
    ['too large', LARGE, 'invalid_request'],
    ['malformed', SECRET, 'invalid_request'],
    ['of no key', 'eyJhbGciOiJub25lIn0.e30.', 'invalid_request'],
  ],
  subject_token_type: [
    ['too large', `urn:example:${LARGE}`, 'invalid_request'],
    ['malformed', 'access_token', 'invalid_request'],
    ['unknown', `urn:example:${SECRET}`, 'invalid_request'],
    ['of a refresh token (TXN-11.2-03)', 'urn:ietf:params:oauth:token-type:refresh_token', 'invalid_request'],
    ['of another token than it is', TXN_TYPE, 'invalid_request'],
  ],
  audience: [
    ['too large', LARGE, 'invalid_request'],
    ['unknown', SECRET, 'invalid_target'],
    ['of another trust domain', 'bank.example', 'invalid_target'],
  ],
  requested_token_type: [
    ['too large', `urn:example:${LARGE}`, 'invalid_request'],
    ['malformed', 'txn_token', 'invalid_request'],
    ['unknown', `urn:example:${SECRET}`, 'invalid_request'],
  ],
  actor_token: [['without its type', SECRET, 'invalid_request']],
  actor_token_type: [['without its token', ACCESS_TYPE, 'invalid_request']],
  assertion: [['of the other grant', SECRET, 'invalid_request']],
}
const CONTEXT = (name: string): Values => ({
  [name]: [
    ['too large', JSON.stringify({ a: LARGE }), 'invalid_request'],
    ['malformed', `{"${SECRET}`, 'invalid_request'],
    ['of another type', `["${SECRET}"]`, 'invalid_request'],
    ['that is a text', JSON.stringify(SECRET), 'invalid_request'],
    ['with a member twice', '{"ip":1,"ip":2}', 'invalid_request'],
    ['with an unknown member', JSON.stringify({ [SECRET]: 1 }), 'invalid_request'],
    ['too deep', '['.repeat(40) + ']'.repeat(40), 'invalid_request'],
  ],
})
const values: readonly (readonly [Flow, Values])[] = [
  ...FLOWS.map((flow) => [flow, EVERYWHERE] as const),
  ['transaction', { ...EXCHANGES, ...CONTEXT('request_context'), ...CONTEXT('request_details') }],
  ['exchange', { ...EXCHANGES, request_context: [['of a transaction', '{}', 'invalid_request']] }],
  [
    'redemption',
    {
      assertion: [
        ['too large', LARGE, 'invalid_request'],
        ['malformed', SECRET, 'invalid_grant'],
        ['of no key', 'eyJhbGciOiJub25lIn0.e30.', 'invalid_grant'],
      ],
      subject_token: [['of the other grant', SECRET, 'invalid_request']],
      audience: [['of the other grant', BANK_ISSUER, 'invalid_request']],
    },
  ],
]
const unfit: readonly Row[] = values.flatMap(([flow, table]) =>
  Object.entries(table).flatMap(([name, cases]) =>
    cases.map(([what, value, error]) => ({ title: `${name} ${what}`, flow, error, form: set(name, raw(value)) })),
  ),
)

/** Faults of the request around the form. */
const around: readonly Row[] = FLOWS.flatMap((flow): Row[] => [
  ...['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
    title: `the method ${method}`,
    flow,
    error: 'invalid_request',
    method,
  })),
  { title: 'GET with the form as query', flow, error: 'invalid_request', method: 'GET', query: (body) => body, body: () => '' },
  { title: 'POST with the form as query', flow, error: 'invalid_request', query: (body) => body, body: () => '' },
  { title: 'no content type', flow, error: 'invalid_request', fields: [] },
  {
    title: 'JSON',
    flow,
    error: 'invalid_request',
    fields: [['content-type', 'application/json']],
    body: () => JSON.stringify({ a: SECRET }),
  },
  { title: 'a multipart form', flow, error: 'invalid_request', fields: [['content-type', 'multipart/form-data; boundary=x']] },
  {
    title: 'another charset',
    flow,
    error: 'invalid_request',
    fields: [['content-type', 'application/x-www-form-urlencoded; charset=latin1']],
  },
  { title: 'a content coding', flow, error: 'invalid_request', fields: [...FORM_FIELDS, ['content-encoding', 'gzip']] },
  { title: 'an unknown parameter', flow, error: 'invalid_request', form: set(SECRET, 'x') },
  { title: 'a parameter without a name', flow, error: 'invalid_request', form: set('', SECRET) },
  { title: 'a password', flow, error: 'invalid_request', form: set('client_secret', SECRET) },
  { title: 'a refresh token', flow, error: 'invalid_request', form: set('refresh_token', SECRET) },
  { title: 'too many parameters', flow, error: 'invalid_request', body: (body) => `${body}${'&resource=a%3Ab'.repeat(64)}` },
  { title: 'octets that are no ASCII', flow, error: 'invalid_request', body: (body) => utf8(`${body}&client_id=ü${SECRET}`) },
  { title: 'a body that is too large', flow, error: 'invalid_request', status: 413, form: set('scope', `${SECRET}${'x'.repeat(70_000)}`) },
  { title: 'nothing', flow, error: 'invalid_request', body: () => '' },
])

/** Requests that are refused for what they look like, whoever makes them. */
export const badInput: readonly Row[] = [...formFaults, ...missing, ...unfit, ...around]
