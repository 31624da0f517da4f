import type { ErrorCode, JsonObject } from '@wimse/core'
import { parseWorkloadIdentifier } from '@wimse/core'
import { describe, expect, it } from 'vitest'
import {
  type ActingGrant,
  type ActingRequest,
  type ActingRule,
  actFor,
  claimsOfActing,
  createDelegationPolicy,
  currentActor,
  type DelegationPolicyOptions,
  delegate,
  impersonate,
  narrowScope,
  parseActorChain,
  parseScope,
} from '../src/index.ts'
import { codeOf, NOW, ORDERS, PAYMENTS } from './support/world.ts'

const STOREFRONT = 'spiffe://shop.example/storefront'
const TARGET = 'https://payments.shop.example'
const client = parseWorkloadIdentifier(ORDERS)
const USER: JsonObject = { sub: 'alice', scope: 'pay read', exp: NOW + 300 }
const RULE: ActingRule = { actors: ['spiffe://shop.example/*'], subjects: ['*'], targets: [TARGET], scope: ['pay', 'read', 'refund'] }

function request(subject: JsonObject = {}, policy: DelegationPolicyOptions = { delegation: [RULE] }): ActingRequest {
  return { subject: { ...USER, ...subject }, target: TARGET, scope: undefined, policy: createDelegationPolicy(policy) }
}

function act(...subs: readonly string[]): JsonObject | undefined {
  return subs.reduceRight<JsonObject | undefined>((inner, sub) => (inner === undefined ? { sub } : { sub, act: inner }), undefined)
}

describe('delegation', () => {
  it('TEX-A.2.5-01, TEX-4.1-03: names the subject and the actor', () => {
    const grant = delegate({ ...request(), actor: { sub: ORDERS } })
    expect(grant).toEqual({ kind: 'delegation', subject: 'alice', actors: [{ sub: ORDERS }], scope: ['pay', 'read'], notAfter: NOW + 300 })
    expect(claimsOfActing(grant)).toEqual({ sub: 'alice', scope: 'pay read', act: { sub: ORDERS } })
  })

  it('TEX-4.1-03: keeps the whole chain, the current actor outermost', () => {
    const grant = delegate({ ...request({ act: act(ORDERS, STOREFRONT) }), actor: { sub: PAYMENTS, iss: 'https://a.example' } })
    expect(claimsOfActing(grant)['act']).toEqual({ sub: PAYMENTS, iss: 'https://a.example', act: act(ORDERS, STOREFRONT) })
  })

  it('TEX-4.1-04, TEX-4.1-05: only the outermost actor counts', () => {
    expect(currentActor({ act: act(PAYMENTS, ORDERS) })).toEqual({ sub: PAYMENTS })
    expect(currentActor({})).toBeUndefined()
  })

  it('TEX-4.1-02, TEX-4.4-03: times and audiences inside are for nothing, and are not kept', () => {
    const subject = { act: { sub: STOREFRONT, exp: 1, nbf: NOW * 2, aud: 'x' }, may_act: { sub: ORDERS, exp: 1, aud: 'x' } }
    expect(claimsOfActing(delegate({ ...request(subject), actor: { sub: ORDERS } }))['act']).toEqual(act(ORDERS, STOREFRONT))
  })

  it('TEX-4.4-02: takes the actor that the subject token names', () => {
    const iss = 'https://a.example'
    expect(delegate({ ...request({ may_act: { sub: ORDERS } }), actor: { sub: ORDERS } }).actors).toHaveLength(1)
    expect(delegate({ ...request({ may_act: { sub: ORDERS, iss } }), actor: { sub: ORDERS, iss } }).actors).toHaveLength(1)
  })

  const rows: readonly (readonly [title: string, subject: JsonObject, actor: JsonObject, code: ErrorCode])[] = [
    ['TEX-2.1-21: a subject without a name', { sub: '' }, { sub: ORDERS }, 'ERR_EXCHANGE_SUBJECT_TOKEN'],
    ['TEX-2.1-21: a subject without an end', { exp: 'x' }, { sub: ORDERS }, 'ERR_EXCHANGE_SUBJECT_TOKEN'],
    ['TEX-4.1-01: a chain that is a text', { act: ORDERS }, { sub: PAYMENTS }, 'ERR_EXCHANGE_ACTOR_CHAIN'],
    ['TEX-4.1-01: a chain that is null', { act: null }, { sub: PAYMENTS }, 'ERR_EXCHANGE_ACTOR_CHAIN'],
    ['TEX-4.1-01: an actor without a name', { act: { act: { sub: 'x' } } }, { sub: PAYMENTS }, 'ERR_EXCHANGE_ACTOR_CHAIN'],
    ['TEX-4.1-01: an earlier actor that is a list', { act: { sub: 'x', act: [] } }, { sub: PAYMENTS }, 'ERR_EXCHANGE_ACTOR_CHAIN'],
    ['TEX-2.1-22: an actor without a name', {}, {}, 'ERR_EXCHANGE_ACTOR'],
    ['an actor for whom another acts', {}, { sub: ORDERS, act: { sub: PAYMENTS } }, 'ERR_EXCHANGE_ACTOR'],
    ['a chain that becomes too long', { act: act('a', 'b', 'c', 'd') }, { sub: ORDERS }, 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH'],
    ['a chain that is too long', { act: act('a', 'b', 'c', 'd', 'e') }, { sub: ORDERS }, 'ERR_EXCHANGE_ACTOR_CHAIN_DEPTH'],
    ['TEX-4.4-02: an actor that may_act does not name', { may_act: { sub: PAYMENTS } }, { sub: ORDERS }, 'ERR_EXCHANGE_MAY_ACT'],
    [
      'TEX-4.4-02: an actor of another issuer',
      { may_act: { sub: ORDERS, iss: 'https://a.example' } },
      { sub: ORDERS },
      'ERR_EXCHANGE_MAY_ACT',
    ],
    ['TEX-4.4-01: may_act that is a text', { may_act: ORDERS }, { sub: ORDERS }, 'ERR_EXCHANGE_MAY_ACT'],
    ['TEX-4.4-01: may_act that names nobody', { may_act: {} }, { sub: ORDERS }, 'ERR_EXCHANGE_MAY_ACT'],
    ['an actor that occurs already', { act: act(PAYMENTS, ORDERS) }, { sub: ORDERS }, 'ERR_EXCHANGE_ACTOR_REPEATED'],
    ['an actor that is the subject', { sub: ORDERS }, { sub: ORDERS }, 'ERR_EXCHANGE_ACTOR_REPEATED'],
    ['TEX-2.2.2-01: an actor without permission', {}, { sub: 'spiffe://bank.example/orders' }, 'ERR_EXCHANGE_DELEGATION_DENIED'],
    ['TEX-2.2.2-01: an actor that is no workload', {}, { sub: 'mallory' }, 'ERR_EXCHANGE_DELEGATION_DENIED'],
    ['a subject without a scope', { scope: undefined }, { sub: ORDERS }, 'ERR_EXCHANGE_SCOPE'],
    ['TEX-4.2-01: a scope that is a list', { scope: ['pay'] }, { sub: ORDERS }, 'ERR_EXCHANGE_SCOPE'],
  ]
  it.each(rows)('is refused: %s', async (_title, subject, actor, code) => {
    expect(await codeOf(() => delegate({ ...request(subject), actor }))).toBe(code)
  })

  it('admits an actor twice where the policy says so', () => {
    const policy = { delegation: [RULE], allowRepeatedActors: true }
    const grant = delegate({ ...request({ act: act(PAYMENTS, ORDERS) }, policy), actor: { sub: ORDERS } })
    expect(grant.actors.map(({ sub }) => sub)).toEqual([ORDERS, PAYMENTS, ORDERS])
  })

  it.each([
    ['another target', { targets: ['https://fraud.shop.example'] }],
    ['another subject', { subjects: ['bob'] }],
    ['other workloads as subjects', { subjects: ['spiffe://shop.example/*'] }],
    ['another actor', { actors: [PAYMENTS] }],
  ])('is refused by a rule about %s', async (_title, change) => {
    const asked = { ...request({}, { delegation: [{ ...RULE, ...change }] }), actor: { sub: ORDERS } }
    expect(await codeOf(() => delegate(asked))).toBe('ERR_EXCHANGE_DELEGATION_DENIED')
  })

  it('of workloads for workloads, by pattern', () => {
    const asked = request({ sub: STOREFRONT }, { delegation: [{ ...RULE, subjects: ['spiffe://shop.example/*'], targets: ['*'] }] })
    expect(delegate({ ...asked, actor: { sub: ORDERS } }).subject).toBe(STOREFRONT)
  })
})

describe('scope', () => {
  it.each([
    ['CHN-2.5-03: a part of it', ['read'], ['read']],
    ['TEX-4.2-01: all of it', ['pay', 'read'], ['pay', 'read']],
    ['nothing in particular', undefined, ['pay', 'read']],
  ] as const)('narrows: %s', (_title, scope, expected) => {
    expect(delegate({ ...request(), scope, actor: { sub: ORDERS } }).scope).toEqual(expected)
  })

  it.each([
    ['CHN-2.5-03: wider than the subject token', ['refund'], ['*']],
    ['CHN-2.5-03: partly wider', ['pay', 'refund'], ['*']],
    ['in other letters', ['Pay'], ['*']],
    ['wider than the rule', ['pay'], ['read']],
    ['nothing that both have', undefined, ['refund']],
  ] as const)('never widens: %s', async (_title, scope, permitted) => {
    const asked = { ...request({}, { delegation: [{ ...RULE, scope: permitted }] }), scope, actor: { sub: ORDERS } }
    expect(await codeOf(() => delegate(asked))).toBe('ERR_EXCHANGE_SCOPE')
  })

  it('comes from a mapping where the token carries none, and only then', () => {
    const none = { ...request({ scope: undefined }), subjectScope: ['read'] }
    expect(delegate({ ...none, actor: { sub: ORDERS } }).scope).toEqual(['read'])
    expect(delegate({ ...request(), subjectScope: ['refund'], actor: { sub: ORDERS } }).scope).toEqual(['pay', 'read'])
  })

  it('of several rules is what they allow together', () => {
    const rules = [
      { ...RULE, scope: ['pay'] },
      { ...RULE, scope: ['read'] },
    ]
    expect(delegate({ ...request({}, { delegation: rules }), actor: { sub: ORDERS } }).scope).toEqual(['pay', 'read'])
  })

  it.each([
    '',
    ' ',
    'a ',
    ' a',
    'a  b',
    'a a',
    'a"',
    'a\\',
    'a\tb',
    'é',
    'a'.repeat(4097),
    Array.from({ length: 65 }, (_, at) => at).join(' '),
    7,
    null,
  ])('TEX-4.2-01: is not %j', async (value) => {
    expect(await codeOf(() => parseScope(value))).toBe('ERR_EXCHANGE_SCOPE')
  })

  it('is never empty', async () => {
    expect(await codeOf(() => narrowScope([], ['a']))).toBe('ERR_EXCHANGE_SCOPE')
    expect(await codeOf(() => narrowScope(undefined, []))).toBe('ERR_EXCHANGE_SCOPE')
  })
})

describe('impersonation', () => {
  const policy = { impersonation: [RULE] }

  it('TEX-A.1.1-01: adds no actor, and keeps those who act already', () => {
    expect(impersonate({ ...request({}, policy), client })).toMatchObject({ kind: 'impersonation', subject: 'alice', actors: [] })
    expect(claimsOfActing(impersonate({ ...request({ act: act(PAYMENTS) }, policy), client }))['act']).toEqual(act(PAYMENTS))
  })

  it('TEX-A.1.1-01: is refused where only delegation is granted', async () => {
    expect(await codeOf(() => impersonate({ ...request(), client }))).toBe('ERR_EXCHANGE_IMPERSONATION_DENIED')
  })

  it('TEX-4.4-02: is refused to a client that may_act does not name', async () => {
    expect(await codeOf(() => impersonate({ ...request({ may_act: { sub: PAYMENTS } }, policy), client }))).toBe('ERR_EXCHANGE_MAY_ACT')
  })

  it('CHN-2.5-03: never widens', async () => {
    expect(await codeOf(() => impersonate({ ...request({}, policy), scope: ['refund'], client }))).toBe('ERR_EXCHANGE_SCOPE')
  })
})

describe('what an exchange is', () => {
  const both = { delegation: [RULE], impersonation: [RULE] }
  const decide = (policy: DelegationPolicyOptions, actorToken?: JsonObject): ActingGrant =>
    actFor({ ...request({}, policy), client, actorToken })

  it.each([
    ['delegation to the client where that is granted', { delegation: [RULE] }, 'delegation'],
    ['delegation where both are granted: never impersonation in silence', both, 'delegation'],
    ['impersonation where only that is granted', { impersonation: [RULE] }, 'impersonation'],
  ] as const)('TEX-A.1.1-01: without an actor token: %s', (_title, policy, kind) => {
    expect(decide(policy).kind).toBe(kind)
  })

  it('TEX-2.1-18: with an actor token: delegation and nothing else', async () => {
    expect(decide(both, { sub: ORDERS })).toMatchObject({ kind: 'delegation', actors: [{ sub: ORDERS }] })
    expect(await codeOf(() => decide({ impersonation: [RULE] }, { sub: ORDERS }))).toBe('ERR_EXCHANGE_DELEGATION_DENIED')
  })

  it('TEX-2.1-22: the actor token of another workload is refused', async () => {
    expect(await codeOf(() => decide(both, { sub: PAYMENTS }))).toBe('ERR_EXCHANGE_ACTOR')
  })

  it('TEX-2.2.2-01: nothing where nothing is granted', async () => {
    expect(await codeOf(() => decide({}))).toBe('ERR_EXCHANGE_DELEGATION_DENIED')
  })
})

describe('a policy is refused', () => {
  it.each([
    ['with a chain of nobody', { maxChainDepth: 0 }, 'ERR_OPTIONS_INVALID'],
    ['with a chain without end', { maxChainDepth: Number.POSITIVE_INFINITY }, 'ERR_OPTIONS_INVALID'],
    ['with a rule without actors', { delegation: [{ ...RULE, actors: [] }] }, 'ERR_OPTIONS_INVALID'],
    ['with a rule without a scope', { impersonation: [{ ...RULE, scope: [] }] }, 'ERR_OPTIONS_INVALID'],
    ['with a pattern that is none', { delegation: [{ ...RULE, actors: ['*'] }] }, 'ERR_IDENTIFIER_PATTERN'],
    ['with a pattern of subjects that is none', { delegation: [{ ...RULE, subjects: ['alice/*'] }] }, 'ERR_IDENTIFIER_PATTERN'],
  ] as readonly (readonly [string, DelegationPolicyOptions, ErrorCode])[])('%s', async (_title, options, code) => {
    expect(await codeOf(() => createDelegationPolicy(options))).toBe(code)
  })
})

it('TEX-4.1-01: a chain that nests without end is read no further than the limit', async () => {
  const endless: { sub: string; act?: unknown } = { sub: 'x' }
  endless.act = endless
  expect(await codeOf(() => parseActorChain(endless))).toBe('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
  expect(await codeOf(() => parseActorChain(endless, Number.NaN))).toBe('ERR_EXCHANGE_ACTOR_CHAIN_DEPTH')
})
