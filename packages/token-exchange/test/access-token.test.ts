import type { ErrorCode } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import type { VerifiedWit } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AccessTokenContents,
  accessTokenErrorResponse,
  certificateThumbprint,
  issueAccessToken,
  type VerifyAccessTokenOptions,
  verifyAccessToken,
  verifySubjectAccessToken,
} from '../src/index.ts'
import { BANK, codeOf, createWorld, type Forgery, LEDGER, NOW, ORDERS, PAYMENTS, proofOf, SHOP, type World } from './support/world.ts'

let world: World
let wit: VerifiedWit
let others: VerifiedWit
beforeAll(async () => {
  world = await createWorld()
  wit = await world.verifyWit(world.payments.token)
  others = await world.verifyWit(world.orders.token)
})

function issue(changes: Partial<AccessTokenContents> = {}): ReturnType<typeof issueAccessToken> {
  const { identifier: client, confirmation } = wit
  const contents = { audience: LEDGER, subject: 'alice', actors: [{ sub: PAYMENTS }], scope: ['post', 'read'], client, ...changes }
  const options = { issuer: SHOP, signer: world.signer, keyId: '1', runtime: world.runtime }
  return issueAccessToken({ confirmation: { jkt: confirmation.thumbprint }, ...contents }, options)
}

/** An access token without fault but for what is told. */
function forge(forgery: Forgery = {}): Promise<string> {
  const cnf = { jkt: wit.confirmation.thumbprint }
  const claims = { iss: SHOP, sub: 'alice', aud: LEDGER, iat: NOW, exp: NOW + 300, jti: 'x', client_id: PAYMENTS, scope: 'post', cnf }
  return world.forge({ header: { typ: 'at+jwt', kid: '1' }, claims }, forgery)
}

function verify(token: string, changes: Partial<VerifyAccessTokenOptions> = {}): ReturnType<typeof verifyAccessToken> {
  return verifyAccessToken(token, { issuers: world.issuers, audience: LEDGER, proof: proofOf(wit), runtime: world.runtime, ...changes })
}

describe('an access token', () => {
  it('CHN-5.2-01, CHN-B.3-04, TEX-4.1-03, TEX-4.2-01, TEX-4.3-01: is bound to the key of the workload that asked for it', async () => {
    const { token, expiresAt } = await issue({ claims: { tier: 'gold' } })
    expect(await verify(token, { requiredScope: ['post'] })).toMatchObject({
      issuer: SHOP,
      subject: 'alice',
      clientId: PAYMENTS,
      audience: [LEDGER],
      scope: ['post', 'read'],
      actor: { sub: PAYMENTS },
      confirmation: { jkt: wit.confirmation.thumbprint },
      expiresAt,
      claims: { tier: 'gold', act: { sub: PAYMENTS } },
    })
  })

  it('CHN-B.3-04: is refused with the proof of another key', async () => {
    const { token } = await issue()
    expect(await codeOf(verify(token, { proof: proofOf(others) }))).toBe('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
    const proof = { kind: 'mutual-tls', identifier: wit.identifier, certificateThumbprint: 'A'.repeat(43) } as const
    expect(await codeOf(verify(token, { proof }))).toBe('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
  })

  it('CHN-B.3-04: is taken only with a proof that was verified', async () => {
    const { token } = await issue()
    expect(await codeOf(verify(token, { proof: proofOf({ ...wit }) }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(verify(token, { proof: { ...proofOf(wit), kind: 'jwt-svid' } as never }))).toBe('ERR_OPTIONS_INVALID')
  })

  it('CHN-5.2-01: is bound to a certificate as well', async () => {
    const { chain } = await world.shop.issueX509Svid(PAYMENTS)
    const thumbprint = await certificateThumbprint(chain[0] ?? new Uint8Array(), world.runtime)
    const { token } = await issue({ confirmation: { 'x5t#S256': thumbprint } })
    const proof = { kind: 'mutual-tls', identifier: wit.identifier, certificateThumbprint: thumbprint } as const
    expect(await codeOf(verify(token, { proof }))).toBe('ok')
    expect(await codeOf(verify(token, { proof: { ...proof, certificateThumbprint: 'A'.repeat(43) } }))).toBe(
      'ERR_EXCHANGE_ACCESS_TOKEN_PROOF',
    )
    expect(await codeOf(verify(token))).toBe('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
  })

  it('TEX-5-01: lives as long as it may and no longer', async () => {
    expect((await issue()).expiresInSeconds).toBe(300)
    expect((await issue({ lifetimeSeconds: 3600, notAfter: NOW + 20 })).expiresAt).toBe(NOW + 20)
    expect(await codeOf(issue({ notAfter: NOW - 1 }))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
  })

  it.each([
    ['CHN-5.2-01: bound to nothing', { confirmation: {} as never }],
    ['TEX-5-01: for two hours', { lifetimeSeconds: 7200 }],
    ['for no resource', { audience: '' }],
    ['with a claim that it has for itself', { claims: { cnf: {} } }],
  ] as readonly (readonly [string, Partial<AccessTokenContents>])[])('is not issued: %s', async (_title, changes) => {
    expect(await codeOf(issue(changes))).toBe('ERR_OPTIONS_INVALID')
  })

  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode])[] = [
    ['BCP-3.12-01: of typ JWT', { header: { typ: 'JWT' } }, 'ERR_EXCHANGE_ACCESS_TOKEN_TYP'],
    ['CHN-2-01, BCP-3.12-01: a grant', { header: { typ: 'authorization-grant+jwt' } }, 'ERR_EXCHANGE_ACCESS_TOKEN_TYP'],
    ['BCP-3.12-01: a transaction token', { header: { typ: 'txntoken+jwt' } }, 'ERR_EXCHANGE_ACCESS_TOKEN_TYP'],
    ['BCP-3.1-01: with alg none', { header: { alg: 'none' } }, 'ERR_EXCHANGE_ACCESS_TOKEN_ALG'],
    ['BCP-3.14-01: with crit', { header: { crit: ['a'] } }, 'ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED'],
    ['BCP-3.8-01: of another issuer', { claims: { iss: BANK } }, 'ERR_EXCHANGE_ACCESS_TOKEN_ISSUER'],
    ['BCP-3.8-01: with an unknown key', { header: { kid: '2' } }, 'ERR_EXCHANGE_ACCESS_TOKEN_KEY_UNKNOWN'],
    ['TEX-5-01: expired', { claims: { iat: NOW - 300, exp: NOW - 30 } }, 'ERR_EXCHANGE_ACCESS_TOKEN_EXPIRED'],
    ['TEX-5-01: that lives too long', { claims: { exp: NOW + 3601 } }, 'ERR_EXCHANGE_ACCESS_TOKEN_LIFETIME'],
    ['without exp', { claims: { exp: undefined } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['made in the future', { claims: { iat: NOW + 60 } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['BCP-3.9-01: for another resource', { claims: { aud: SHOP } }, 'ERR_EXCHANGE_ACCESS_TOKEN_AUD'],
    ['BCP-3.9-01: without aud', { claims: { aud: undefined } }, 'ERR_EXCHANGE_ACCESS_TOKEN_AUD'],
    ['with an aud that holds a number', { claims: { aud: [LEDGER, 7] } }, 'ERR_EXCHANGE_ACCESS_TOKEN_AUD'],
    ['without sub', { claims: { sub: undefined } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['with a client_id that is no text', { claims: { client_id: 7 } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['TEX-4.2-01: with scope as a list', { claims: { scope: ['post'] } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['TEX-4.1-01: with act as a text', { claims: { act: ORDERS } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
    ['CHN-5.2-01: without cnf', { claims: { cnf: undefined } }, 'ERR_EXCHANGE_ACCESS_TOKEN_UNBOUND'],
    ['with a cnf of another kind', { claims: { cnf: { kid: 'x' } } }, 'ERR_EXCHANGE_ACCESS_TOKEN_CLAIM'],
  ]
  it.each(rows)('is refused: %s', async (_title, forgery, code) => {
    expect(await codeOf(verify(await forge(forgery)))).toBe(code)
  })

  it('BCP-3.3-01: is refused when another key has signed it', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await codeOf(verify(await forge({ signer })))).toBe('ERR_EXCHANGE_ACCESS_TOKEN_SIGNATURE')
  })

  it('TEX-4.2-01: is refused where more scope is needed', async () => {
    expect(await codeOf(verify(await forge(), { requiredScope: ['post'] }))).toBe('ok')
    expect(await codeOf(verify(await forge(), { requiredScope: ['post', 'read'] }))).toBe('ERR_EXCHANGE_ACCESS_TOKEN_SCOPE')
    expect(await codeOf(verify(await forge({ claims: { scope: undefined } }), { requiredScope: ['post'] }))).toBe(
      'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE',
    )
  })

  it('TEX-4.1-02, TEX-4.1-04: has the current actor, whatever times stand beside it', async () => {
    const act = { sub: PAYMENTS, exp: 1, aud: 'x', act: { sub: ORDERS } }
    expect(await verify(await forge({ claims: { act } }))).toMatchObject({
      actor: { sub: PAYMENTS },
      actors: [{ sub: PAYMENTS }, { sub: ORDERS }],
    })
  })

  it('is refused when a character of it changes', async () => {
    const token = await forge()
    for (let at = 0; at < token.length; at += 3) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(await codeOf(verify(changed)), `at ${at}`).toMatch(/^ERR_EXCHANGE_ACCESS_TOKEN_/)
    }
  })
})

describe('an access token as the subject of an exchange', () => {
  const asSubject = (token: string, audience: string | readonly string[] = LEDGER): ReturnType<typeof verifySubjectAccessToken> =>
    verifySubjectAccessToken(token, { issuers: world.issuers, audience, runtime: world.runtime })

  it('TEX-2.1-21, CHN-5.3-01: is taken from the one whom it is for, bound or not', async () => {
    expect(await asSubject(await forge())).toMatchObject({ subject: 'alice', scope: ['post'] })
    expect(await asSubject(await forge({ claims: { cnf: undefined, act: { sub: ORDERS } } }))).toMatchObject({ actor: { sub: ORDERS } })
  })

  it('TEX-2.1-21, TEX-2.2.2-02, TEX-3-03, CHN-5.3-01: is refused when it is for others, expired, or of another issuer', async () => {
    const faults = [{ aud: SHOP }, { iat: NOW - 300, exp: NOW - 60 }, { iss: BANK }, { sub: 7 }]
    for (const claims of faults) expect(await codeOf(asSubject(await forge({ claims })))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
    expect(await codeOf(asSubject('x'))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
    expect(await codeOf(asSubject(world.payments.token))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
    expect(await codeOf(asSubject(await forge(), []))).toBe('ERR_OPTIONS_INVALID')
  })
})

it('a resource server answers with a challenge and no body', async () => {
  const answers = (['ERR_EXCHANGE_ACCESS_TOKEN_PROOF', 'ERR_EXCHANGE_ACCESS_TOKEN_SCOPE', 'ERR_TRUST_STALE'] as const).map((code) => {
    const response = accessTokenErrorResponse(code)
    return [response.status, response.headers.get('www-authenticate'), response.headers.get('cache-control'), response.body]
  })
  expect(answers).toEqual([
    [401, 'Bearer error="invalid_token"', 'no-store', null],
    [403, 'Bearer error="insufficient_scope"', 'no-store', null],
    [503, null, 'no-store', null],
  ])
})
