import { describe, expect, it } from 'vitest'
import { decodeTokenServiceConfig, parseTokenServiceConfig } from '../src/index.ts'
import { deferral } from './deferred-harness.ts'
import { type Options, shopConfig } from './harness.ts'

const least = {
  requesters: ['spiffe://shop.example/orders'],
  workers: ['spiffe://shop.example/settlement/*'],
  actions: { settle: { scope: { 'payments:settle': [] } } },
  maxLifetimeSeconds: 3600,
}
const config = (rule: Options, more: Options = {}): Options => ({
  ...shopConfig('/etc'),
  ...more,
  deferral: { rules: [{ ...least, ...rule }] },
})

describe('the configuration of deferral', () => {
  it('takes the least there can be, with the strictest of everything else', () => {
    expect(parseTokenServiceConfig(shopConfig('/etc')).deferral).toEqual({ rules: [] })
    expect(parseTokenServiceConfig(config({})).deferral.rules).toEqual([
      {
        ...least,
        actions: { settle: { scope: { 'payments:settle': [] }, members: [] } },
        subjectTokenTypes: ['access_token', 'txn_token'],
        subjects: [],
        ownSubject: false,
        carry: [],
        standing: false,
        maxUses: 1,
        lifetimeSeconds: 60,
        maxTakeovers: 3,
      },
    ])
    expect(decodeTokenServiceConfig({ ...shopConfig('/etc'), ...deferral() }).faults).toEqual([])
  })

  it.each([
    ['no rules', { ...shopConfig('/etc'), deferral: {} }, ['deferral.rules']],
    ['an unknown option', config({ secret: 1 }), ['deferral.rules[0].secret']],
    ['no requester', config({ requesters: [] }), ['deferral.rules[0].requesters']],
    ['anybody as requester', config({ requesters: ['*'] }), ['deferral.rules[0].requesters[0]']],
    ['requesters of another trust domain', config({ requesters: ['spiffe://bank.example/a'] }), ['deferral.rules[0].requesters[0]']],
    ['no worker', config({ workers: [] }), ['deferral.rules[0].workers']],
    ['anybody as worker', config({ workers: ['*'] }), ['deferral.rules[0].workers[0]']],
    [
      'workers of another trust domain',
      config({ workers: ['spiffe://shop.example/a', 'spiffe://bank.example/*'] }),
      ['deferral.rules[0].workers[1]'],
    ],
    ['a kind of subject token that is none', config({ subjectTokenTypes: ['jwt'] }), ['deferral.rules[0].subjectTokenTypes[0]']],
    ['subjects of anybody', config({ subjectTokenTypes: ['self_signed'] }), ['deferral.rules[0].subjects']],
    ['a pattern of subjects that is none', config({ subjects: ['*/*'] }), ['deferral.rules[0].subjects']],
    ['no action', config({ actions: {} }), ['deferral.rules[0].actions']],
    ['an action without scope', config({ actions: { settle: {} } }), ['deferral.rules[0].actions.settle.scope']],
    ['an action without a purpose', config({ actions: { settle: { scope: {} } } }), ['deferral.rules[0].actions.settle.scope']],
    [
      'a parameter in place of what goes along',
      config({ actions: { settle: { scope: { a: [] }, members: ['amount'] } }, carry: ['amount'] }),
      ['deferral.rules[0].actions.settle.members'],
    ],
    ['a flag that is none', config({ standing: 'yes' }), ['deferral.rules[0].standing']],
    ['no uses', config({ maxUses: 0 }), ['deferral.rules[0].maxUses']],
    ['no end', config({ maxLifetimeSeconds: undefined }), ['deferral.rules[0].maxLifetimeSeconds']],
    ['an end beyond a year', config({ maxLifetimeSeconds: 366 * 86_400 }), ['deferral.rules[0].maxLifetimeSeconds']],
    ['tokens that live too long', config({ lifetimeSeconds: 301 }), ['deferral.rules[0].lifetimeSeconds']],
    ['takeovers without end', config({ maxTakeovers: -1 }), ['deferral.rules[0].maxTakeovers']],
    ['keys that outlive the memory of uses', config({}, { keys: { file: 'keys.json' } }), ['state.redis']],
    [
      'more keys than are kept',
      config({ maxLifetimeSeconds: 86_400 * 30 }, { keys: { rotateEverySeconds: 3600 } }),
      ['keys.rotateEverySeconds'],
    ],
  ] as readonly (readonly [string, Options, readonly string[]])[])('names every fault of %s by its path', (_title, value, paths) => {
    expect(decodeTokenServiceConfig(value).faults.map(({ path }) => path)).toEqual(paths)
  })

  it('takes keys of a file together with a Redis', () => {
    const shared = { keys: { file: 'keys.json' }, state: { redis: { url: 'redis://127.0.0.1' } } }
    expect(decodeTokenServiceConfig(config({}, shared)).faults).toEqual([])
  })
})
