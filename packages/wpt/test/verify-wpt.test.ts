import { type ErrorCode, type FieldLines, formatBase64url, inMemoryReplayStore, utf8, WimseError } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { createWitVerifier, type VerifiedWit } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWptVerifier, verifyWpt, type WptVerifierOptions } from '../src/index.ts'
import { AUDIENCE, codeOf, createWorld, type Forgery, forgeJws, NOW, PATH, requestWith, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

type Options = Partial<WptVerifierOptions>
type Row = readonly [title: string, forgery: Forgery, options?: Options]

/** Verifies a forged proof. */
async function outcome(forgery: Forgery, options?: Options, fields?: FieldLines): Promise<string> {
  return codeOf(world.verify(requestWith(`WPT ${await world.forge(forgery)}`, fields), options))
}

describe('a WPT is accepted', () => {
  const rows: readonly Row[] = [
    ['WPT-2-28, WPT-2-29, WPT-2-30, WPT-2-31, WPT-2-32, WPT-2-33, WPT-2-34, WPT-2-35, WPT-2-37: without fault', {}],
    ['WPT-2-33: with application/ before typ, in any case', { header: { typ: 'application/WPT+jwt' } }],
    ['WPT-2-36: with exp two minutes ahead', { claims: { exp: NOW + 120 } }],
    ['WPT-2-36: with exp at the ceiling', { claims: { exp: NOW + 10 } }, { maxLifetimeSeconds: 10 }],
    ['WPT-2-35, WPT-3.1.2-02: with exp in the past within the clock tolerance', { claims: { exp: NOW - 29 } }],
    ['WPT-2-34: for a configured alias', { claims: { aud: 'payments' } }, { audience: ['payments', AUDIENCE] }],
    ['WPT-3.1.7-01, WPT-3.1.7-03: for an alias that is the whole target URI', { claims: {} }, { audience: `${AUDIENCE}${PATH}` }],
    [
      'WPT-2.3-04: with claims that are not understood',
      { claims: { iss: 1, nbf: null, ath: 'x', 'shop.example/x': [{ a: 1 }], role: 'admin' } },
    ],
    ['WPT-2-32: with a kid and a key in its header, which count for nothing', { header: { kid: 'other', jwk: { kty: 'oct' } } }],
    ['WPT-2-41: with an empty oth', { claims: { oth: {} } }],
  ]
  it.each(rows.map(([title, forgery, options = {}]) => [title, forgery, options] as const))('%s', async (_title, forgery, options) => {
    expect(await outcome(forgery, options)).toBe('ok')
  })

  it.each(['wpt', 'Wpt', 'WPT '])('WPT-2-03, WPT-2-04: with the scheme written %j', async (scheme) => {
    expect(await codeOf(world.verify(requestWith(`${scheme} ${await world.forge()}`)))).toBe('ok')
  })

  it('WSVID-4-08, WSVID-5-01, WSVID-5-02, WSVID-7.1-02, WPT-3.1-01: and tells whose it is', async () => {
    const proof = await world.verify(requestWith(`WPT ${await world.forge({ claims: { jti: 'one' } })}`))
    expect(proof).toMatchObject({
      kind: 'wpt',
      identifier: 'spiffe://shop.example/orders',
      wit: world.wit,
      audience: AUDIENCE + PATH,
      jti: 'one',
      expiresAt: NOW + 60,
    })
  })
})

describe('a WPT is refused', () => {
  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode, options?: Options])[] = [
    ['WPT-2-09, WPT-2-33: without typ', { header: { typ: undefined } }, 'ERR_WPT_TYP'],
    ['WPT-2-33: with typ JWT', { header: { typ: 'JWT' } }, 'ERR_WPT_TYP'],
    ['WPT-2-33, BCP-3.12-01: with typ wit+jwt', { header: { typ: 'wit+jwt' } }, 'ERR_WPT_TYP'],
    ['WPT-2-07: without alg', { header: { alg: undefined } }, 'ERR_WPT_ALG'],
    ['WPT-2-07: with alg none', { header: { alg: 'none' } }, 'ERR_WPT_ALG'],
    ['WPT-2-07: with alg HS256', { header: { alg: 'HS256' } }, 'ERR_WPT_ALG'],
    ['WPT-2-31: with alg es256', { header: { alg: 'es256' } }, 'ERR_WPT_ALG'],
    ['WPT-2-08, WPT-2-31, CRED-5.1-16: with alg ES384', { header: { alg: 'ES384' } }, 'ERR_WPT_ALG_MISMATCH'],
    ['WPT-2-08, WPT-2-31: with alg EdDSA', { header: { alg: 'EdDSA' } }, 'ERR_WPT_ALG_MISMATCH'],
    ['WPT-2-30: with crit', { header: { crit: ['a'], a: 1 } }, 'ERR_WPT_MALFORMED'],
    ['WPT-2-10: without aud', { claims: { aud: undefined } }, 'ERR_WPT_AUD_MISSING'],
    ['WPT-2-10: with an empty aud', { claims: { aud: '' } }, 'ERR_WPT_AUD_MISSING'],
    ['WPT-2-34: with a list as aud', { claims: { aud: [AUDIENCE + PATH] } }, 'ERR_WPT_AUD'],
    ['WPT-2-34, WSVID-7.2-01: for another path', { claims: { aud: `${AUDIENCE}/refunds` } }, 'ERR_WPT_AUD'],
    ['WPT-2-34, WPT-3.1.7-01: for another host', { claims: { aud: `https://ledger.bank.example${PATH}` } }, 'ERR_WPT_AUD'],
    ['WPT-2-34: for the origin alone', { claims: { aud: AUDIENCE } }, 'ERR_WPT_AUD'],
    ['WPT-2-34: for a target URI with a query', { claims: { aud: `${AUDIENCE}${PATH}?a=1` } }, 'ERR_WPT_AUD'],
    ['WPT-2-34: for a host that begins like the own', { claims: { aud: `${AUDIENCE}.evil.example${PATH}` } }, 'ERR_WPT_AUD'],
    ['WPT-2-13, WPT-2-35, WPT-3.1.2-01, CRED-9.2.2-01, WSVID-7.2-02: without exp', { claims: { exp: undefined } }, 'ERR_WPT_EXP'],
    ['WPT-2-35: with exp as text', { claims: { exp: String(NOW + 60) } }, 'ERR_WPT_CLAIM'],
    ['WPT-2-35, CRED-9.2.2-02: with exp in the past', { claims: { exp: NOW - 3600 } }, 'ERR_WPT_EXPIRED'],
    ['WPT-3.1.2-02: with exp just beyond the clock tolerance', { claims: { exp: NOW - 30 } }, 'ERR_WPT_EXPIRED'],
    ['WPT-2-36: with exp a day ahead', { claims: { exp: NOW + 86_400 } }, 'ERR_WPT_LIFETIME'],
    ['WPT-2-36: with exp over a set ceiling', { claims: { exp: NOW + 41 } }, 'ERR_WPT_LIFETIME', { maxLifetimeSeconds: 10 }],
    ['WPT-2-15: without jti', { claims: { jti: undefined } }, 'ERR_WPT_JTI'],
    ['WPT-2-15: with an empty jti', { claims: { jti: '' } }, 'ERR_WPT_JTI'],
    ['WPT-2-15: with a number as jti', { claims: { jti: 1 } }, 'ERR_WPT_CLAIM'],
    ['WPT-2-15: with a jti that is too long to remember', { claims: { jti: 'a'.repeat(257) } }, 'ERR_WPT_CLAIM'],
    ['WPT-2-17, WPT-2-37: without wth', { claims: { wth: undefined } }, 'ERR_WPT_WTH_MISSING'],
    ['WPT-2-37: with another wth', { claims: { wth: 'A'.repeat(43) } }, 'ERR_WPT_WTH'],
    ['WPT-2-37: with a wth that is no text', { claims: { wth: null } }, 'ERR_WPT_WTH'],
    ['WPT-2-39: with tth, where there is no Txn-Token', { claims: { tth: 'A'.repeat(43) } }, 'ERR_WPT_TTH'],
    ['WPT-2-21: with oth as text', { claims: { oth: 'x' } }, 'ERR_WPT_OTH_MALFORMED'],
    ['WPT-2-21: with oth as a list', { claims: { oth: [] } }, 'ERR_WPT_OTH_MALFORMED'],
    ['WPT-2-21: with oth null', { claims: { oth: null } }, 'ERR_WPT_OTH_MALFORMED'],
    ['WPT-2-42: with an entry of oth that is not understood', { claims: { oth: { 'x-unknown': 'A' } } }, 'ERR_WPT_OTH_UNKNOWN'],
    [
      'WPT-2-42: with an entry of oth that names a member of every object',
      { claims: { oth: { constructor: 'A' } } },
      'ERR_WPT_OTH_UNKNOWN',
    ],
  ]
  it.each(rows.map(([title, forgery, code, options = {}]) => [title, forgery, code, options] as const))(
    '%s',
    async (_title, forgery, code, options) => {
      expect(await outcome(forgery, options)).toBe(code)
    },
  )

  it('WPT-2-17: with a wth in hexadecimal or with padding', async () => {
    const hex = Buffer.from(world.wit.hash, 'base64url').toString('hex')
    expect(await outcome({ claims: { wth: hex } })).toBe('ERR_WPT_WTH')
    expect(await outcome({ claims: { wth: `${world.wit.hash}=` } })).toBe('ERR_WPT_WTH')
  })

  it('WPT-2-32: when another key has signed it', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await outcome({ signer })).toBe('ERR_WPT_SIGNATURE')
    expect(await outcome({ signer, header: { jwk: signer.publicJwk, kid: signer.thumbprint } })).toBe('ERR_WPT_SIGNATURE')
  })

  it('WPT-2-37: with the hash of another WIT of the same workload and key', async () => {
    const renewed = await world.verifyWit((await world.issue(world.credential.signer, 1800)).token)
    const request = requestWith(`WPT ${await world.forge()}`)
    expect(await codeOf(world.verify(request, { wit: renewed }))).toBe('ERR_WPT_WTH')
  })

  it('WPT-2-31: of Ed25519 for a key of EdDSA, and the other way round', async () => {
    for (const [bound, used] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ] as const) {
      const other = await createWorld(bound)
      expect(await codeOf(other.verify(requestWith(`WPT ${await other.forge()}`)))).toBe('ok')
      const request = requestWith(`WPT ${await other.forge({ header: { alg: used } })}`)
      expect(await codeOf(other.verify(request))).toBe('ERR_WPT_ALG_MISMATCH')
    }
  })
})

describe('the field Authorization', () => {
  const rows: readonly (readonly [title: string, code: ErrorCode, fields: (token: string) => FieldLines])[] = [
    ['WPT-2-28, WPT-3.1-01, CRED-9.2-01, WSVID-4-08, WSVID-5-02, WSVID-7.1-03: missing', 'ERR_WPT_AUTHORIZATION_COUNT', () => []],
    ['WPT-2-02: replaced by the field of earlier drafts', 'ERR_WPT_AUTHORIZATION_COUNT', (token) => [['Workload-Proof-Token', token]]],
    [
      'WPT-2-28, WPT-2.2-01: twice',
      'ERR_WPT_AUTHORIZATION_COUNT',
      (token) => [
        ['Authorization', `WPT ${token}`],
        ['authorization', `WPT ${token}`],
      ],
    ],
    [
      'WPT-2.2-02: twice, once with a bearer token',
      'ERR_WPT_AUTHORIZATION_COUNT',
      (token) => [
        ['Authorization', `WPT ${token}`],
        ['Authorization', 'Bearer abc'],
      ],
    ],
    [
      'WPT-2-29, WPT-3.1-03, CRED-9.2-02, WSVID-5-03, WSVID-7.1-01, WSVID-7.1-05: with the scheme Bearer',
      'ERR_WPT_SCHEME',
      (token) => [['Authorization', `Bearer ${token}`]],
    ],
    ['WPT-2-29: with the scheme DPoP', 'ERR_WPT_SCHEME', (token) => [['Authorization', `DPoP ${token}`]]],
    ['WPT-2-29: with a scheme that begins like WPT', 'ERR_WPT_SCHEME', (token) => [['Authorization', `WPT2 ${token}`]]],
    ['WPT-2-03: without a space', 'ERR_WPT_SCHEME', (token) => [['Authorization', `WPT${token}`]]],
    ['WPT-2-03: empty', 'ERR_WPT_SCHEME', () => [['Authorization', '']]],
    ['WPT-2-03: with the scheme alone', 'ERR_WPT_MALFORMED', () => [['Authorization', 'WPT']]],
    ['WPT-2-03: with a parameter', 'ERR_WPT_MALFORMED', (token) => [['Authorization', `WPT token="${token}"`]]],
    ['WPT-2-30: with two tokens', 'ERR_WPT_MALFORMED', (token) => [['Authorization', `WPT ${token}, WPT ${token}`]]],
    ['WPT-2-06: with padding', 'ERR_WPT_MALFORMED', (token) => [['Authorization', `WPT ${token}=`]]],
    ['WPT-2-06: with a token of one part', 'ERR_WPT_MALFORMED', () => [['Authorization', 'WPT abc']]],
    ['WPT-2-30: with bad JSON', 'ERR_WPT_MALFORMED', () => [['Authorization', 'WPT AAAA.AAAA.AAAA']]],
    ['WPT-2-30: with an unsecured JWT', 'ERR_WPT_MALFORMED', (token) => [['Authorization', `WPT ${token.replace(/[^.]+$/, '')}`]]],
    ['WPT-2-30: with more than is read', 'ERR_WPT_MALFORMED', (token) => [['Authorization', `WPT ${token}${'A'.repeat(8192)}`]]],
  ]
  it.each(rows)('%s: is refused', async (_title, code, fields) => {
    expect(await codeOf(world.verify({ path: PATH, fields: fields(await world.forge()) }))).toBe(code)
  })

  it('WPT-2-05: in another case is refused', async () => {
    const token = await world.forge()
    expect(await codeOf(world.verify(requestWith(`WPT ${token.toLowerCase()}`)))).not.toBe('ok')
  })

  it('WPT-2.2-04: beside a bearer token in another field is judged as if that were not there', async () => {
    const bearer: FieldLines = [['X-Access-Token', 'Bearer abc']]
    expect(await outcome({}, {}, bearer)).toBe('ok')
    expect(await outcome({ claims: { aud: 'other' } }, {}, bearer)).toBe('ERR_WPT_AUD')
  })
})

describe('the audience', () => {
  it('WPT-3.1.7-02, WPT-3.1.7-04: is never taken from the request', async () => {
    const stolen = await world.forge({ claims: { aud: `https://ledger.bank.example${PATH}` } })
    for (const name of ['Host', 'X-Forwarded-Host', 'Forwarded', 'X-Original-Host']) {
      const request = requestWith(`WPT ${stolen}`, [[name, 'ledger.bank.example']])
      expect(await codeOf(world.verify(request))).toBe('ERR_WPT_AUD')
    }
  })

  it('WPT-2-34: is that of the path, whatever the query is', async () => {
    const proof = await world.forge({ claims: { aud: `${AUDIENCE}/a/b%2Fc` } })
    expect(await codeOf(world.verify(requestWith(`WPT ${proof}`, [], '/a/b/c')))).toBe('ERR_WPT_AUD')
    expect(await codeOf(world.verify(requestWith(`WPT ${proof}`, [], '/a/b%2Fc')))).toBe('ok')
  })
})

describe('replay', () => {
  it('WPT-2-38, WSVID-7.2-05: a proof is accepted once, until it would be refused for its age', async () => {
    const other = await createWorld()
    const request = requestWith(`WPT ${await other.forge()}`)
    expect(await codeOf(other.verify(request))).toBe('ok')
    expect(await codeOf(other.verify(request))).toBe('ERR_WPT_REPLAYED')
    other.runtime.advance(89)
    expect(await codeOf(other.verify(request))).toBe('ERR_WPT_REPLAYED')
    other.runtime.advance(1)
    expect(await codeOf(other.verify(request))).toBe('ERR_WPT_EXPIRED')
    await other.verify(requestWith(`WPT ${await other.forge({ claims: { exp: NOW + 150 } })}`))
    expect(other.replay.size).toBe(1)
  })

  it('WPT-3.1.4-01: of two senders with one jti both are accepted', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    const wit = await world.verifyWit((await world.issue(signer)).token)
    const first = await world.forge({ claims: { jti: 'same' } })
    const second = await world.forge({ signer, claims: { jti: 'same', wth: wit.hash } })
    expect(await codeOf(world.verify(requestWith(`WPT ${first}`)))).toBe('ok')
    expect(await codeOf(world.verify(requestWith(`WPT ${second}`), { wit }))).toBe('ok')
    expect(await codeOf(world.verify(requestWith(`WPT ${await world.forge({ claims: { jti: 'same' } })}`)))).toBe('ERR_WPT_REPLAYED')
  })

  it('WPT-2-38: a refused proof uses up no jti', async () => {
    const replay = inMemoryReplayStore({ capacity: 10 })
    for (const claims of [{ aud: 'x' }, { exp: 1 }, { wth: 'x' }, { tth: 'x' }, { oth: { x: 'y' } }]) {
      expect(await outcome({ claims: { jti: 'kept', ...claims } }, { replay })).not.toBe('ok')
    }
    expect(replay.size).toBe(0)
    expect(await outcome({ claims: { jti: 'kept' } }, { replay })).toBe('ok')
  })

  it('WPT-2-38: a store that is full or out of reach refuses', async () => {
    const replay = inMemoryReplayStore({ capacity: 1 })
    expect(await outcome({}, { replay })).toBe('ok')
    expect(await outcome({}, { replay })).toBe('ERR_REPLAY_STORE_FULL')
    const unreachable = { record: () => Promise.reject(new WimseError('ERR_REPLAY_STORE_UNAVAILABLE')) }
    expect(await outcome({}, { replay: unreachable })).toBe('ERR_REPLAY_STORE_UNAVAILABLE')
    expect(await outcome({}, { replay: { record: async () => false } })).toBe('ERR_WPT_REPLAYED')
  })
})

describe('the WIT', () => {
  it('WPT-2-27: has to come from its verifier', async () => {
    const request = requestWith(`WPT ${await world.forge()}`)
    const lookalike = { ...world.wit } as VerifiedWit
    expect(await codeOf(world.verify(request, { wit: lookalike }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(world.verify(request, { wit: undefined as unknown as VerifiedWit }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('WPT-3.2-03, CRED-9.4-03: is refused once it has expired, even after it was verified', async () => {
    const other = await createWorld()
    const wit = await other.verifyWit((await other.issue(other.credential.signer, 60)).token)
    const claims = { wth: wit.hash, exp: NOW + 300 }
    expect(await codeOf(other.verify(requestWith(`WPT ${await other.forge({ claims })}`), { wit }))).toBe('ok')
    other.runtime.advance(90)
    expect(await codeOf(other.verify(requestWith(`WPT ${await other.forge({ claims })}`), { wit }))).toBe('ERR_WIT_EXPIRED')
  })

  it('WPT-2-27: is verified before any cryptography of the proof', async () => {
    let verifications = 0
    const crypto = {
      ...world.runtime.crypto,
      verify(...args: Parameters<typeof world.runtime.crypto.verify>) {
        verifications += 1
        return world.runtime.crypto.verify(...args)
      },
    }
    const runtime = { ...world.runtime, crypto }
    const verifyWit = createWitVerifier({ trust: world.trust, profile: 'wimse', runtime })
    const verifyProof = createWptVerifier({ audience: AUDIENCE, replay: world.replay, runtime })
    const { signer } = await generateSigner('ES256', world.runtime)
    const forged = await forgeJws({ typ: 'wit+jwt', alg: 'ES256', kid: 'none' }, { sub: 'spiffe://shop.example/orders' }, signer)
    const request = requestWith(`WPT ${await world.forge()}`)
    const authenticate = async (token: string): Promise<unknown> => verifyProof(request, await verifyWit(token))
    expect(await codeOf(authenticate(forged))).toBe('ERR_WIT_KEY_UNKNOWN')
    expect(verifications).toBe(0)
    expect(await codeOf(authenticate(world.credential.token))).toBe('ok')
    expect(verifications).toBe(1)
  })
})

const options: readonly (readonly [string, object])[] = [
  ['WPT-3.1.7-03: no audience', { audience: [] }],
  ['WPT-3.1.7-03: an empty audience', { audience: '' }],
  ['a context field that is no field name', { contextFields: ['a b'] }],
  ['Authorization as a context field', { contextFields: ['Authorization'] }],
  ['Txn-Token as a context field', { contextFields: ['Txn-Token'] }],
  ['a field that no JSON member can be named after', { contextFields: ['__proto__'] }],
  ['a clock tolerance over 120 s', { clockToleranceSeconds: 121 }],
  ['a clock tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
  ['a lifetime that is no number', { maxLifetimeSeconds: Number.NaN }],
  ['a token size that is no number', { maxTokenBytes: Number.NaN }],
]
it.each(options)('%s is refused as an option', async (_title, wrong) => {
  const all = { audience: AUDIENCE, replay: world.replay, runtime: world.runtime, ...wrong }
  expect(await codeOf(() => createWptVerifier(all))).toBe('ERR_OPTIONS_INVALID')
  expect(await codeOf(verifyWpt(requestWith('WPT a.b.c'), { ...all, wit: world.wit }))).toBe('ERR_OPTIONS_INVALID')
})

it('WPT-3.1.5-01: no error holds any of the proof or of what it binds', async () => {
  const secret = 'Bearer secret-value'
  const proofs = [{ aud: secret }, { exp: 1 }, { wth: secret }, { jti: secret.repeat(20) }, { tth: secret }, { oth: { [secret]: 'x' } }]
  for (const claims of proofs) {
    const token = await world.forge({ claims })
    const fields: FieldLines = [['X-User-Token', secret]]
    const error: unknown = await world.verify(requestWith(`WPT ${token}`, fields)).catch((reason: unknown) => reason)
    const seen = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)
    expect(seen).not.toContain('secret')
    for (const part of token.split('.')) expect(seen).not.toContain(part)
    expect(seen).not.toContain(formatBase64url(utf8(secret)))
  }
})
