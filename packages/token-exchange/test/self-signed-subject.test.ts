import { formatBase64url, utf8 } from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthenticatedClient,
  actFor,
  createDelegationPolicy,
  jwtSvidAuthentication,
  signSelfSignedSubject,
  TOKEN_TYPES,
  verifyActorToken,
  verifySelfSignedSubject,
} from '../src/index.ts'
import {
  BANK,
  type Changes,
  clientRequest,
  codeOf,
  connectionOf,
  createWorld,
  errorOf,
  forgeJws,
  NOW,
  ORDERS,
  PAYMENTS,
  SHOP,
  type World,
} from './support/world.ts'

const HEADER = { typ: 'JWT', alg: 'ES256' }
const CLAIMS = { iss: PAYMENTS, sub: PAYMENTS, aud: SHOP, iat: NOW, exp: NOW + 60, jti: 'a' }

let world: World
let client: AuthenticatedClient
beforeEach(async () => {
  world = await createWorld()
  client = await world.clientOf(world.payments)
})

function verify(token: string, as: AuthenticatedClient = client) {
  return verifySelfSignedSubject(token, { client: as, audience: SHOP, replay: world.replay, runtime: world.runtime })
}

function forge(claims: Changes = {}, header: Changes = {}, signer: Signer = world.payments.signer): Promise<string> {
  return forgeJws({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, signer)
}

describe('a self-signed subject token', () => {
  it('TXN-11.2.1-01, TXN-11.2.1-02, TXN-5.1-07, TXN-13.5-01: is accepted as its client has made it', async () => {
    const contents = { subject: 'job:nightly', audience: SHOP, claims: { run: 7 } }
    const { token, type } = await signSelfSignedSubject(contents, world.payments, { runtime: world.runtime })
    expect(type).toBe(TOKEN_TYPES.selfSigned)
    const { subject, expiresAt, claims } = await verify(token)
    expect([subject, expiresAt, claims['iss'], claims['run']]).toEqual(['job:nightly', NOW + 60, PAYMENTS, 7])
  })

  it.each<readonly [title: string, claims: Changes, header: Changes]>([
    ['TXN-11.2.1-03, TXN-11.2.1-04, TXN-11.2.1-06, TXN-11.2.1-08, TXN-11.2.1-10: has what it needs', {}, {}],
    ['TXN-11.2.1-07: has its one audience in a list', { aud: [SHOP] }, {}],
    ['TXN-11.2.1-11: says more', { scope: 'everything', other: [1] }, {}],
    ['TXN-11.2.1-09: comes from a clock that is ahead a little', { iat: NOW + 20, exp: NOW + 60 }, {}],
    ['TXN-6-02: ends in a second', { iat: NOW - 59, exp: NOW + 1 }, {}],
    ['has no jti and no typ', { jti: undefined }, { typ: undefined }],
  ])('%s', async (_title, claims, header) => {
    expect((await verify(await forge(claims, header))).subject).toBe(PAYMENTS)
  })

  it.each<readonly [title: string, detail: string, claims: Changes, header: Changes]>([
    ['TXN-11.2.1-03: no iss', 'iss', { iss: undefined }, {}],
    ['TXN-11.2.1-03: an iss that is not the client', 'iss', { iss: ORDERS }, {}],
    ['TXN-11.2.1-04: no sub', 'sub', { sub: undefined }, {}],
    ['TXN-11.2.1-04: an empty sub', 'sub', { sub: '' }, {}],
    ['TXN-11.2.1-06: no aud', 'aud', { aud: undefined }, {}],
    ['TXN-11.2.1-07: another aud', 'aud', { aud: BANK }, {}],
    ['TXN-11.2.1-07: one aud more', 'aud', { aud: [SHOP, BANK] }, {}],
    ['TXN-11.2.1-08: no iat', 'iat', { iat: undefined }, {}],
    ['TXN-11.2.1-08: an iat that is a text', 'iat', { iat: String(NOW) }, {}],
    ['TXN-11.2.1-09: an iat an hour ahead', 'not valid yet', { iat: NOW + 3600, exp: NOW + 3660 }, {}],
    ['TXN-11.2.1-09: an iat an hour back', 'lifetime', { iat: NOW - 3600 }, {}],
    ['TXN-11.2.1-09: an nbf an hour ahead', 'not valid yet', { nbf: NOW + 3600 }, {}],
    ['an nbf that is a text', 'nbf', { nbf: 'now' }, {}],
    ['TXN-11.2.1-10: no exp', 'exp', { exp: undefined }, {}],
    ['TXN-6-02: an exp a second ago', 'expired', { iat: NOW - 60, exp: NOW - 1 }, {}],
    ['TXN-6-02: an exp that is now', 'expired', { iat: NOW - 60, exp: NOW }, {}],
    ['more than five minutes', 'lifetime', { exp: NOW + 301 }, {}],
    ['an empty jti', 'jti', { jti: '' }, {}],
    ['the type of a proof', 'typ', {}, { typ: 'wpt+jwt' }],
    ['a type that is no text', 'typ', {}, { typ: 1 }],
    ['no algorithm', 'alg', {}, { alg: 'none' }],
    ['another algorithm than the key has', 'the client proved no key that it fits', {}, { alg: 'EdDSA' }],
  ])('is refused with %s', async (_title, detail, claims, header) => {
    const error = await errorOf(verify(await forge(claims, header)))
    expect([error.code, error.detail]).toEqual(['ERR_EXCHANGE_SUBJECT_TOKEN', detail])
  })

  it('TXN-11.3-03: is refused under any other key than the one that its client proved', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    for (const other of [signer, world.orders.signer]) {
      expect((await errorOf(verify(await forge({}, {}, other)))).detail).toBe('signature')
    }
    // What orders has seen of payments is no token of orders.
    const token = await forge()
    expect((await errorOf(verify(token, await world.clientOf(world.orders)))).detail).toBe('signature')
  })

  it('counts once, whatever form its signature has', async () => {
    for (const jti of ['b', undefined]) {
      const token = await forge({ jti })
      expect(await codeOf(verify(token))).toBe('ok')
      expect((await errorOf(verify(token))).detail).toBe('presented before')
      expect((await errorOf(verify(otherForm(token)))).detail).toBe('presented before')
    }
  })

  it('is refused to a client that proved no key', async () => {
    const { token: assertion } = await jwtSvid()
    const identifier = world.payments.identifier
    const request = await clientRequest(jwtSvidAuthentication({ identifier, token: assertion }))
    const bearer = await world.authenticator().authenticate(request)
    expect((await errorOf(verify(await forge(), bearer))).detail).toBe('the client proved no key that it fits')
    const { parameters, fields } = await clientRequest({ parameters: [['client_id', PAYMENTS]], fields: [] })
    const silent = await world.authenticator().authenticate({ parameters, fields, connection: connectionOf(PAYMENTS) })
    expect((await errorOf(verify(await forge(), silent))).detail).toBe('the client proved no key that it fits')
  })

  it('TXN-11.3-03: is verified with the key of a certificate, where the connection tells it', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    const { parameters, fields } = await clientRequest({ parameters: [['client_id', PAYMENTS]], fields: [] })
    const over = (publicJwk: () => unknown) =>
      world.authenticator().authenticate({ parameters, fields, connection: { ...connectionOf(PAYMENTS), publicJwk } })
    const { alg: _none, ...publicJwk } = signer.publicJwk
    expect(await codeOf(verify(await forge({}, {}, signer), await over(() => publicJwk)))).toBe('ok')
    expect(await codeOf(verify(await forge({}, {}, world.payments.signer), await over(() => publicJwk)))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
    expect(await codeOf(verify(await forge({}, {}, signer), await over(() => ({ kty: 'oct' }))))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
  })

  it('is refused after a change of any one octet', async () => {
    const token = await forge()
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.'), async (at, octet) => {
        fc.pre(token[at] !== octet)
        expect(await codeOf(verify(`${token.slice(0, at)}${octet}${token.slice(at + 1)}`))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
      }),
    )
    expect(await codeOf(verify(token))).toBe('ok')
  })

  it('is refused with a code, whatever is presented', async () => {
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => formatBase64url(utf8(text))),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.tuple(part, part, part).map((parts) => parts.join('.')),
        ),
        async (text) => {
          expect(await codeOf(verify(text))).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
        },
      ),
    )
  })

  it.each([
    ['no subject', { subject: '' }],
    ['an audience that is no issuer', { audience: 'tokens' }],
    ['a life without end', { lifetimeSeconds: Number.POSITIVE_INFINITY }],
    ['more than five minutes', { lifetimeSeconds: 301 }],
    ['claims of its own', { claims: { iss: ORDERS } }],
    ['more than anybody reads', { claims: { x: 'x'.repeat(9000) } }],
  ])('is not made with %s', async (_title, changes) => {
    expect(await codeOf(signSelfSignedSubject({ subject: PAYMENTS, audience: SHOP, ...changes }, world.payments))).toBe(
      'ERR_OPTIONS_INVALID',
    )
  })

  it.each([
    ['an audience that is no issuer', { audience: 'tokens' }],
    ['a tolerance of an hour', { clockToleranceSeconds: 3600 }],
    ['a longer life than the most', { maxLifetimeSeconds: 301 }],
    ['a client that nobody authenticated', { client: { identifier: PAYMENTS } as unknown as AuthenticatedClient }],
  ])('is not verified with %s', async (_title, changes) => {
    const options = { client, audience: SHOP, replay: world.replay, runtime: world.runtime, ...changes }
    expect(await codeOf(verifySelfSignedSubject(await forge(), options))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('an actor token', () => {
  const policy = createDelegationPolicy({ delegation: [{ actors: [PAYMENTS], subjects: ['*'], targets: ['t'], scope: ['*'] }] })
  const subject = { sub: 'user:alice', exp: NOW + 60, scope: 'pay' }
  const access = (claims: Changes = {}) => world.forge({ header: { typ: 'at+jwt', kid: '1' }, claims: { ...CLAIMS, iss: SHOP, ...claims } })
  const act = async (token: string, type: string) => {
    const { issuers, runtime, replay } = world
    const accessToken = { issuers, audience: SHOP, runtime }
    const actorToken = await verifyActorToken({ token, type }, { client, accessToken, selfSigned: { audience: SHOP, replay, runtime } })
    return actFor({ subject, target: 't', scope: undefined, policy, client: client.identifier, actorToken })
  }

  it('TEX-2.1-18, TEX-2.1-21: names the client, as an access token or under its own key', async () => {
    expect((await act(await forge(), TOKEN_TYPES.selfSigned)).actors).toEqual([{ sub: PAYMENTS }])
    expect((await act(await access(), TOKEN_TYPES.accessToken)).actors).toEqual([{ sub: PAYMENTS, iss: SHOP }])
    const cnf = { jkt: world.payments.signer.thumbprint }
    expect((await act(await access({ cnf }), TOKEN_TYPES.accessToken)).kind).toBe('delegation')
  })

  it.each<readonly [title: string, code: string, token: () => Promise<string>, type: string]>([
    ['TEX-2.1-22: an access token of somebody else', 'ERR_EXCHANGE_ACTOR', () => access({ sub: ORDERS }), TOKEN_TYPES.accessToken],
    ['TEX-2.1-22: the word of the client about somebody else', 'ERR_EXCHANGE_ACTOR', () => forge({ sub: ORDERS }), TOKEN_TYPES.selfSigned],
    ['TEX-2.1-21: an access token for others', 'ERR_EXCHANGE_ACTOR', () => access({ aud: BANK }), TOKEN_TYPES.accessToken],
    ['TEX-2.1-21: an expired one', 'ERR_EXCHANGE_ACTOR', () => access({ iat: NOW - 99, exp: NOW - 60 }), TOKEN_TYPES.accessToken],
    [
      'one that is bound to the key of another',
      'ERR_EXCHANGE_ACTOR',
      () => access({ cnf: { jkt: world.orders.signer.thumbprint } }),
      TOKEN_TYPES.accessToken,
    ],
    ['one that is bound to nothing that is known', 'ERR_EXCHANGE_ACTOR', () => access({ cnf: { x: 1 } }), TOKEN_TYPES.accessToken],
    ['one of a delegate', 'ERR_EXCHANGE_ACTOR', () => access({ act: { sub: ORDERS } }), TOKEN_TYPES.accessToken],
    ['a self-signed one under another key', 'ERR_EXCHANGE_ACTOR', () => forge({}, {}, world.orders.signer), TOKEN_TYPES.selfSigned],
    ['another type', 'ERR_EXCHANGE_TOKEN_TYPE', () => forge(), TOKEN_TYPES.jwt],
  ])('is refused: %s (%s)', async (_title, code, token, type) => {
    expect(await codeOf(act(await token(), type))).toBe(code)
  })
})

/** The same signature as ECDSA has it in two forms: with n - s in place of s. */
function otherForm(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const octets = Buffer.from(signature, 'base64url')
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = n - BigInt(`0x${octets.subarray(32).toString('hex')}`)
  const other = Buffer.concat([octets.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
  return [header, payload, other.toString('base64url')].join('.')
}

async function jwtSvid(): Promise<{ readonly token: string }> {
  return { token: await world.shop.issueJwtSvid(world.payments.identifier, { audience: [SHOP] }) }
}
