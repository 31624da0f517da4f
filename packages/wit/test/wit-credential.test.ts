import type { FieldLines } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { assertLiveCredential, createWitCredential, readWitField } from '../src/index.ts'
import { codeOf, createWorld, type Forgery, NOW, SUBJECT, signerOf, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

describe('a workload’s own WIT', () => {
  it('CRED-5.1-12: is joined with the key that it binds', async () => {
    const token = await world.forge()
    const signer = await signerOf('workload')
    expect(createWitCredential(token, signer, 'internal')).toEqual({
      token,
      identifier: SUBJECT,
      trustDomain: 'shop.example',
      expiresAt: NOW + 300,
      signer,
      hint: 'internal',
    })
    expect(createWitCredential(token, signer, '')).not.toHaveProperty('hint')
  })

  it.each<readonly [string, string, Forgery]>([
    ['CRED-5.1-11: a malformed key', 'ERR_WIT_CNF_KEY', { claims: { cnf: { jwk: { kty: 'EC' } } } }],
    ['CRED-5.1-16: the same key for another algorithm', 'ERR_WIT_CNF_KEY', { jwk: { alg: 'ES384' } }],
    ['CRED-5.1-10: no cnf', 'ERR_WIT_CNF', { claims: { cnf: undefined } }],
    ['CRED-5.1-08: no exp', 'ERR_WIT_EXP', { claims: { exp: undefined } }],
    ['CRED-5.1-07: no sub', 'ERR_IDENTIFIER_MALFORMED', { claims: { sub: undefined } }],
    ['CRED-5.1.4-01: crit', 'ERR_JWS_CRIT', { header: { crit: ['a'] } }],
  ])('is refused with %s', async (_title, code, forgery) => {
    const token = await world.forge(forgery)
    const signer = await signerOf('workload')
    expect(await codeOf(() => createWitCredential(token, signer))).toBe(code)
  })

  it('CRED-5.1-12: is refused with a key that it does not bind', async () => {
    const [token, other] = [await world.forge(), await signerOf('other')]
    expect(await codeOf(() => createWitCredential(token, other))).toBe('ERR_WIT_CNF_KEY')
  })

  it('CRED-9.4-03, WPT-3.2-03: makes no proof once it has expired', async () => {
    const credential = createWitCredential(await world.forge(), await signerOf('workload'))
    expect(await codeOf(() => assertLiveCredential(credential, { now: () => (NOW + 300) * 1000 - 1 }))).toBe('ok')
    expect(await codeOf(() => assertLiveCredential(credential, { now: () => (NOW + 300) * 1000 }))).toBe('ERR_CREDENTIAL_EXPIRED')
  })
})

describe('the field Workload-Identity-Token', () => {
  it.each<readonly [string, FieldLines, string]>([
    ['CRED-5.1.1-01: is read', [['Workload-Identity-Token', 'a.b.c']], 'a.b.c'],
    ['CRED-5.1.1-03: is found in any case', [['WORKLOAD-IDENTITY-TOKEN', 'a.b.c']], 'a.b.c'],
    ['CRED-5.1.1-04: is given in its own case', [['workload-identity-token', 'Aa.Bb.Cc']], 'Aa.Bb.Cc'],
    ['CRED-5.1.1-02: is given without white space around it', [['workload-identity-token', ' a.b.c\t']], 'a.b.c'],
  ])('%s', (_title, fields, token) => {
    expect(readWitField(fields)).toBe(token)
  })

  it.each<readonly [string, FieldLines, string]>([
    ['CRED-5.1.1-01, WPT-2-01: missing', [['authorization', 'WPT a.b.c']], 'ERR_WIT_MISSING'],
    ['CRED-5.1-13, WSVID-5-04: in Authorization', [['authorization', 'Bearer a.b.c']], 'ERR_WIT_MISSING'],
    ['CRED-5.1.1-01: empty', [['workload-identity-token', ' ']], 'ERR_WIT_MISSING'],
    [
      'CRED-5.1.1-02: twice',
      [
        ['workload-identity-token', 'a.b.c'],
        ['Workload-Identity-Token', 'a.b.c'],
      ],
      'ERR_WIT_HEADER_COUNT',
    ],
    [
      'CRED-5.1.1-02: twice, once empty',
      [
        ['workload-identity-token', ''],
        ['workload-identity-token', 'a.b.c'],
      ],
      'ERR_WIT_HEADER_COUNT',
    ],
  ])('%s: is refused', async (_title, fields, code) => {
    expect(await codeOf(() => readWitField(fields))).toBe(code)
  })
})
