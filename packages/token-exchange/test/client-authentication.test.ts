import { type ErrorCode, parseTrustDomain, parseWorkloadIdentifier } from '@wimse/core'
import { generateSigner } from '@wimse/keys'
import { createTestAuthority } from '@wimse/testing'
import { keyAuthority, staticTrust } from '@wimse/trust'
import { createWitVerifier } from '@wimse/wit'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  ATTESTATION_FIELDS,
  type ClientAuthentication,
  type ClientAuthenticatorOptions,
  clientIdentification,
  createAttestationAuthentication,
  jwtSvidAuthentication,
  requireConfirmation,
} from '../src/index.ts'
import {
  BANK,
  type Changes,
  clientRequest,
  codeOf,
  connectionOf,
  createWorld,
  ENDPOINT,
  type Forgery,
  NOW,
  ORDERS,
  PAYMENTS,
  proofOf,
  SHOP,
  type World,
} from './support/world.ts'

let world: World
let count = 0
beforeAll(async () => {
  world = await createWorld()
})

const identifier = parseWorkloadIdentifier(PAYMENTS)

/** A proof of possession without fault but for what is told. */
function pop(forgery: Forgery = {}): Promise<string> {
  count += 1
  const base = { header: { typ: 'oauth-client-attestation-pop+jwt' }, claims: { aud: SHOP, iat: NOW, jti: `pop-${count}` } }
  return world.forge(base, { signer: world.payments.signer, ...forgery })
}

/** Client attestation with this WIT and this proof. */
function attested(proof: string, token: string = world.payments.token): ClientAuthentication {
  return {
    parameters: [['client_id', PAYMENTS]],
    fields: [
      [ATTESTATION_FIELDS.attestation, token],
      [ATTESTATION_FIELDS.proof, proof],
    ],
  }
}

async function outcome(client: ClientAuthentication | undefined, options?: Partial<ClientAuthenticatorOptions>): Promise<string> {
  return codeOf(world.authenticator(options).authenticate(await clientRequest(client)))
}

async function svid(audience: readonly string[] = [SHOP], name: string = PAYMENTS): Promise<ClientAuthentication> {
  return jwtSvidAuthentication({ identifier, token: await world.shop.issueJwtSvid(name, { audience }) })
}

function changed(client: ClientAuthentication, name: string, value: string | undefined): ClientAuthentication {
  const parameters = client.parameters.flatMap(([key, old]): [string, string][] =>
    key !== name ? [[key, old]] : value === undefined ? [] : [[key, value]],
  )
  return { ...client, parameters }
}

describe('a JWT-SVID', () => {
  it('SCA-3-01, SCA-4-05, SCA-3.1-01, SCA-3.1-05, SCA-3.1-06, SCA-3.1-08, SCA-3.1-09, SCA-3.1-10, JAS-4-05: authenticates a client', async () => {
    const client = await world.authenticator().authenticate(await clientRequest(await svid()))
    expect(client).toMatchObject({ method: 'spiffe_jwt', identifier: PAYMENTS, trustDomain: 'shop.example', confirmation: undefined })
    expect(await codeOf(() => requireConfirmation(client))).toBe('ERR_EXCHANGE_CLIENT_UNBOUND')
  })

  const rows: readonly (readonly [title: string, client: () => Promise<ClientAuthentication>, code: ErrorCode])[] = [
    ['SCA-3.1-08, JAS-4-07: for the token endpoint', () => svid([ENDPOINT]), 'ERR_EXCHANGE_CLIENT_AUDIENCE'],
    ['SCA-3.1-08, JAS-4-05, JAS-5-02: for the issuer and another', () => svid([SHOP, ENDPOINT]), 'ERR_EXCHANGE_CLIENT_AUDIENCE'],
    [
      'SCA-3.1-11: with the URL of a metadata document as client_id',
      async () => changed(await svid(), 'client_id', 'https://payments.shop.example/client'),
      'ERR_EXCHANGE_CLIENT_ID',
    ],
    ['JAS-4-08: for another server', () => svid([BANK]), 'ERR_EXCHANGE_CLIENT_AUDIENCE'],
    ['SCA-3.1-03, SCA-3.1-10, SCA-3.1-14: of another workload', () => svid([SHOP], ORDERS), 'ERR_EXCHANGE_CLIENT_ID'],
    ['SCA-3.1-01, SCA-3.1-13: without client_id', async () => changed(await svid(), 'client_id', undefined), 'ERR_EXCHANGE_CLIENT_ID'],
    [
      'SCA-3.1-04: as an assertion of another type',
      async () => changed(await svid(), 'client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
      'ERR_EXCHANGE_CLIENT_METHOD',
    ],
    [
      'JAS-3-01: a SAML assertion',
      async () => changed(await svid(), 'client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'),
      'ERR_EXCHANGE_CLIENT_METHOD',
    ],
    ['SCA-3.1-04: without a type', async () => changed(await svid(), 'client_assertion_type', undefined), 'ERR_EXCHANGE_CLIENT_METHOD'],
    [
      'SCA-3.1-05: without the assertion',
      async () => changed(await svid(), 'client_assertion', undefined),
      'ERR_EXCHANGE_CLIENT_CREDENTIAL',
    ],
    ['SCA-3.1-05: no JWT', async () => changed(await svid(), 'client_assertion', 'x'), 'ERR_EXCHANGE_CLIENT_CREDENTIAL'],
    [
      'SCA-8.1-05: a WIT in its place',
      async () => changed(await svid(), 'client_assertion', world.payments.token),
      'ERR_EXCHANGE_CLIENT_CREDENTIAL',
    ],
    [
      'SCA-3.1-09: by an authority that is not trusted',
      async () => {
        const { runtime } = world
        const liar = await createTestAuthority({ trustDomain: 'shop.example', runtime })
        return jwtSvidAuthentication({ identifier, token: await liar.issueJwtSvid(PAYMENTS, { audience: [SHOP] }) })
      },
      'ERR_EXCHANGE_CLIENT_CREDENTIAL',
    ],
  ]
  it.each(rows)('is refused: %s', async (_title, client, code) => {
    expect(await outcome(await client())).toBe(code)
  })

  it('SCA-8.1-01, SCA-8.1-02, SCA-8.1-04: is refused when only its iss knows the key, and nobody is asked', async () => {
    const { runtime, signer } = world
    let asked = 0
    const watched = {
      ...runtime,
      fetch: async () => {
        asked += 1
        return new Response(JSON.stringify({ keys: [signer.publicJwk] }))
      },
    }
    const claims = { iss: 'https://issuer.example', sub: PAYMENTS, aud: SHOP, iat: NOW, exp: NOW + 60 }
    const token = await world.forge({ header: { typ: 'JWT', kid: signer.thumbprint }, claims })
    expect(await outcome(jwtSvidAuthentication({ identifier, token }), { runtime: watched })).toBe('ERR_EXCHANGE_CLIENT_CREDENTIAL')
    expect(asked).toBe(0)
  })

  it('SCA-3.1-07: is refused once it has expired', async () => {
    const { runtime } = world
    const late = { ...runtime, now: () => runtime.now() + 400_000 }
    expect(await outcome(await svid(), { runtime: late })).toBe('ERR_EXCHANGE_CLIENT_CREDENTIAL')
  })
})

describe('a WIT with a proof of possession', () => {
  it('SCA-3.3-01, SCA-3.3-02, SCA-3.3.1-01 to SCA-3.3.1-04, ATT-4-07, ATT-5.1-08: authenticates a client and its key', async () => {
    const client = await createAttestationAuthentication({ credential: world.payments, issuer: SHOP, runtime: world.runtime })
    const found = await world.authenticator().authenticate(await clientRequest(client))
    expect(found).toMatchObject({ method: 'spiffe_wit', identifier: PAYMENTS, confirmation: { jkt: world.payments.signer.thumbprint } })
    expect(requireConfirmation(found)).toEqual({ jkt: world.payments.signer.thumbprint })
  })

  it.each([
    ['ATT-5.1-02: with aud as a list of one', { claims: { aud: [SHOP] } }],
    ['ATT-7.2-02: made a minute ago', { claims: { iat: NOW - 60 } }],
    ['ATT-7.2-02: by a clock that is a little fast', { claims: { iat: NOW + 30 } }],
    ['ATT-5.1-01: with application/ before typ', { header: { typ: 'application/oauth-client-attestation-pop+jwt' } }],
    ['ATT-4-05: with claims that are not understood', { claims: { iss: PAYMENTS, x: 1, challenge: 'c' } }],
  ] as readonly (readonly [string, Forgery])[])('is accepted: %s', async (_title, forgery) => {
    expect(await outcome(attested(await pop(forgery)))).toBe('ok')
  })

  it('ATT-7.1-06: is accepted without client_id', async () => {
    expect(await outcome(changed(attested(await pop()), 'client_id', undefined))).toBe('ok')
  })

  const rows: readonly (readonly [title: string, forgery: Forgery, code: ErrorCode])[] = [
    ['ATT-5.1-01: without typ', { header: { typ: undefined } }, 'ERR_EXCHANGE_POP_TYP'],
    ['ATT-5.1-01: of another typ', { header: { typ: 'wpt+jwt' } }, 'ERR_EXCHANGE_POP_TYP'],
    ['ATT-5.1-07, ATT-7.1-02: with alg HS256', { header: { alg: 'HS256' } }, 'ERR_EXCHANGE_POP_ALG'],
    ['ATT-7.1-02: with alg none', { header: { alg: 'none' } }, 'ERR_EXCHANGE_POP_ALG'],
    ['ATT-5.1-02: for the token endpoint', { claims: { aud: ENDPOINT } }, 'ERR_EXCHANGE_POP_AUD'],
    ['ATT-5.1-02, ATT-5.1-03: for another server', { claims: { aud: BANK } }, 'ERR_EXCHANGE_POP_AUD'],
    ['ATT-5.1-02: for this server and another', { claims: { aud: [SHOP, BANK] } }, 'ERR_EXCHANGE_POP_AUD'],
    ['ATT-5.1-02: without aud', { claims: { aud: undefined } }, 'ERR_EXCHANGE_POP_AUD'],
    ['ATT-5.1-05: without iat', { claims: { iat: undefined } }, 'ERR_EXCHANGE_POP_IAT'],
    ['ATT-7.2-02: made an hour ago', { claims: { iat: NOW - 3600 } }, 'ERR_EXCHANGE_POP_IAT'],
    ['ATT-7.2-02: made in an hour', { claims: { iat: NOW + 3600 } }, 'ERR_EXCHANGE_POP_IAT'],
    ['ATT-7.2-02: expired by its own exp', { claims: { exp: NOW - 31 } }, 'ERR_EXCHANGE_POP_IAT'],
    ['ATT-7.2-02: with an exp that is no time', { claims: { exp: 'x' } }, 'ERR_EXCHANGE_POP_CLAIM'],
    ['ATT-7.2-02: not valid yet', { claims: { nbf: NOW + 31 } }, 'ERR_EXCHANGE_POP_IAT'],
    ['ATT-5.1-04: without jti', { claims: { jti: undefined } }, 'ERR_EXCHANGE_POP_JTI'],
    ['ATT-5.1-04: with a jti that is too long to remember', { claims: { jti: 'a'.repeat(257) } }, 'ERR_EXCHANGE_POP_JTI'],
    ['ATT-5.1-06: with a challenge that is no text', { claims: { challenge: 1 } }, 'ERR_EXCHANGE_POP_CLAIM'],
  ]
  it.each(rows)('is refused: %s', async (_title, forgery, code) => {
    expect(await outcome(attested(await pop(forgery)))).toBe(code)
  })

  it('SCA-3.3-01, ATT-5.1-07: is refused when another key has signed the proof', async () => {
    const { signer } = await generateSigner('ES256', world.runtime)
    expect(await outcome(attested(await pop({ signer })))).toBe('ERR_EXCHANGE_POP_SIGNATURE')
  })

  it('ATT-9.7-01, ATT-11.1-01, SCA-3.3.1-04: is refused when its proof comes again', async () => {
    const client = attested(await pop())
    expect([await outcome(client), await outcome(client)]).toEqual(['ok', 'ERR_EXCHANGE_POP_REPLAYED'])
  })

  it('SCA-3.3-01, ATT-7.1-01: is refused without the proof, without the WIT, and when there are two', async () => {
    const [attestation, proof] = attested(await pop()).fields
    const with_ = (fields: readonly (readonly [string, string])[]): ReturnType<typeof clientRequest> =>
      clientRequest(clientIdentification(identifier), { fields })
    if (attestation === undefined || proof === undefined) throw new Error('no fields')
    for (const fields of [[attestation], [proof], [attestation, attestation, proof], [attestation, proof, proof]]) {
      expect(await codeOf(world.authenticator().authenticate(await with_(fields)))).toBe('ERR_EXCHANGE_ATTESTATION_FIELD')
    }
    const joined = [[ATTESTATION_FIELDS.attestation, `${attestation[1]}, ${attestation[1]}`] as const, proof]
    expect(await codeOf(world.authenticator().authenticate(await with_(joined)))).toBe('ERR_EXCHANGE_ATTESTATION_FIELD')
  })

  it('SCA-3.3.1-02, SCA-3.3.1-03, ATT-7.1-03: is refused when the WIT is none, or by an authority that is not trusted', async () => {
    const { runtime } = world
    const liar = await createTestAuthority({ trustDomain: 'shop.example', runtime })
    const { credential } = await liar.issueWit(PAYMENTS)
    for (const token of ['x', credential.token, await world.shop.issueJwtSvid(PAYMENTS, { audience: [SHOP] })]) {
      expect(await outcome(attested(await pop(), token))).toBe('ERR_EXCHANGE_CLIENT_CREDENTIAL')
    }
    const client = await createAttestationAuthentication({ credential, issuer: SHOP, runtime })
    expect(await outcome(client)).toBe('ERR_EXCHANGE_CLIENT_CREDENTIAL')
  })

  describe('of an authority that is trusted', () => {
    const attest = async (claims: Changes, header: Changes = {}, proof = ''): Promise<string> => {
      const { runtime, signer, replay, payments } = world
      const authority = keyAuthority({ ...signer.publicJwk, kid: '1' })
      const trust = staticTrust([{ trustDomain: parseTrustDomain('shop.example'), witAuthorities: [authority] }])
      const base = { sub: PAYMENTS, iat: NOW, exp: NOW + 300, cnf: { jwk: payments.signer.publicJwk } }
      const token = await world.forge({ header: { typ: 'wit+jwt', kid: '1', ...header }, claims: { ...base, ...claims } })
      const verifyWit = createWitVerifier({ trust, profile: 'wit-svid', runtime })
      return outcome(attested(proof === '' ? await pop() : proof, token), { wit: { verifyWit, replay } })
    }

    it('ATT-4-02, ATT-4-03, ATT-4-04, ATT-4-06: is accepted', async () => {
      expect(await attest({})).toBe('ok')
    })

    it.each([
      ['ATT-4-02: without sub', { sub: undefined }, {}],
      ['ATT-4-03: without exp', { exp: undefined }, {}],
      ['ATT-4-03: expired', { exp: NOW - 60 }, {}],
      ['ATT-4-04, SCA-3.3.1-02: without cnf', { cnf: undefined }, {}],
      ['ATT-7.1-04: with a private key in cnf', { cnf: { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'AA', alg: 'ES256' } } }, {}],
      ['ATT-4-06, ATT-7.1-02: with alg none', {}, { alg: 'none' }],
      ['ATT-4-06: with a MAC', {}, { alg: 'HS256' }],
      ['SCA-3.3.1-01: of typ JWT', {}, { typ: 'JWT' }],
      ['of typ oauth-client-attestation+jwt, which is not taken', {}, { typ: 'oauth-client-attestation+jwt' }],
    ] as readonly (readonly [string, Changes, Changes])[])('is refused: %s', async (_title, claims, header) => {
      expect(await attest(claims, header)).toBe('ERR_EXCHANGE_CLIENT_CREDENTIAL')
    })

    it('ATT-9.6-01: is refused with the proof of a key that a renewed WIT has', async () => {
      const { credential } = await world.shop.issueWit(PAYMENTS)
      expect(await attest({}, {}, await pop({ signer: credential.signer }))).toBe('ERR_EXCHANGE_POP_SIGNATURE')
    })
  })

  it('ATT-7-01: is refused when a DPoP proof stands in the place of its proof', async () => {
    const fields = [[ATTESTATION_FIELDS.attestation, world.payments.token] as const, ['dpop', await pop()] as const]
    const request = await clientRequest(clientIdentification(identifier), { fields })
    expect(await codeOf(world.authenticator().authenticate(request))).toBe('ERR_EXCHANGE_ATTESTATION_FIELD')
  })

  it('ATT-7.1-06, ATT-7.5-01: is refused for another client_id', async () => {
    expect(await outcome(changed(attested(await pop()), 'client_id', ORDERS))).toBe('ERR_EXCHANGE_CLIENT_ID')
  })

  it('ATT-7.2-01, ATT-5.1-06: needs the challenge where the server gives them', async () => {
    const { verifyWit, replay, runtime, payments: credential } = world
    const wit = { verifyWit, replay, challenges: { accepts: (challenge: string) => challenge === 'now' } }
    const withChallenge = (challenge?: string): Promise<ClientAuthentication> =>
      createAttestationAuthentication({ credential, issuer: SHOP, runtime, ...(challenge === undefined ? {} : { challenge }) })
    expect(await outcome(await withChallenge('now'), { wit })).toBe('ok')
    expect(await outcome(await withChallenge('old'), { wit })).toBe('ERR_EXCHANGE_ATTESTATION_CHALLENGE')
    expect(await outcome(await withChallenge(), { wit })).toBe('ERR_EXCHANGE_ATTESTATION_CHALLENGE')
  })

  it('ATT-7.1-05, ATT-7.4-02: has to be fresh where the server wants that', async () => {
    const { verifyWit, replay } = world
    const rules = (maxAttestationAgeSeconds: number): Partial<ClientAuthenticatorOptions> => ({
      wit: { verifyWit, replay, maxAttestationAgeSeconds },
    })
    expect(await outcome(attested(await pop()), rules(0))).toBe('ok')
    const { credential } = await world.shop.issueWit(PAYMENTS)
    world.runtime.advance(10)
    const late = await createAttestationAuthentication({ credential, issuer: SHOP, runtime: world.runtime })
    expect(await outcome(late, rules(5))).toBe('ERR_EXCHANGE_ATTESTATION_STALE')
    world.runtime.advance(-10)
  })
})

describe('a connection and a WIMSE proof', () => {
  it('SCA-3.2-05, SCA-3.2-12: an X.509-SVID authenticates a client and its certificate', async () => {
    const certificateThumbprint = 'A'.repeat(43)
    const request = await clientRequest(clientIdentification(identifier), { connection: connectionOf(PAYMENTS, certificateThumbprint) })
    expect(await world.authenticator().authenticate(request)).toMatchObject({
      method: 'spiffe_x509',
      identifier: PAYMENTS,
      confirmation: { 'x5t#S256': certificateThumbprint },
    })
  })

  it.each([
    ['SCA-3.2-05: without client_id', undefined, 'ERR_EXCHANGE_CLIENT_ID'],
    ['SCA-3.2-07, SCA-3.2-12, SCA-3.2-15: with the client_id of another', ORDERS, 'ERR_EXCHANGE_CLIENT_ID'],
  ] as const)('an X.509-SVID is refused: %s', async (_title, clientId, code) => {
    const client = clientId === undefined ? undefined : clientIdentification(parseWorkloadIdentifier(clientId))
    const request = await clientRequest(client, { connection: connectionOf(PAYMENTS) })
    expect(await codeOf(world.authenticator().authenticate(request))).toBe(code)
  })

  it('a proof of a WIT authenticates a client and its key, with and without client_id', async () => {
    const wit = await world.verifyWit(world.payments.token)
    const peer = { identifier: wit.identifier, proofs: [proofOf(wit)] }
    for (const client of [undefined, clientIdentification(identifier)]) {
      const found = await world.authenticator().authenticate(await clientRequest(client, { peer }))
      expect(found).toMatchObject({ method: 'wimse', confirmation: { jkt: wit.confirmation.thumbprint } })
    }
  })

  it('a peer that proved no WIT, or whose WIT is an imitation, is none', async () => {
    const bearer = { identifier, proofs: [{ kind: 'jwt-svid' }] }
    expect(await codeOf(world.authenticator().authenticate(await clientRequest(undefined, { peer: bearer })))).toBe(
      'ERR_EXCHANGE_CLIENT_METHOD',
    )
    const wit = await world.verifyWit(world.payments.token)
    const copy = { identifier, proofs: [{ kind: 'wpt', wit: { ...wit } }] }
    expect(await codeOf(world.authenticator().authenticate(await clientRequest(undefined, { peer: copy })))).toBe('ERR_OPTIONS_INVALID')
  })
})

describe('an authenticator', () => {
  it('TEX-2.1-02, TEX-2.1-03, CHN-5.3-01: refuses who does not authenticate', async () => {
    expect(await outcome(undefined)).toBe('ERR_EXCHANGE_CLIENT_MISSING')
    expect(await outcome(clientIdentification(identifier))).toBe('ERR_EXCHANGE_CLIENT_MISSING')
  })

  it('refuses who authenticates twice', async () => {
    const both = { parameters: (await svid()).parameters, fields: attested(await pop()).fields }
    expect(await outcome(both)).toBe('ERR_EXCHANGE_CLIENT_SEVERAL')
    const wit = await world.verifyWit(world.payments.token)
    const peer = { identifier: wit.identifier, proofs: [proofOf(wit)] }
    for (const client of [await svid(), attested(await pop())]) {
      expect(await codeOf(world.authenticator().authenticate(await clientRequest(client, { peer })))).toBe('ERR_EXCHANGE_CLIENT_SEVERAL')
      const connection = connectionOf(PAYMENTS)
      expect(await codeOf(world.authenticator().authenticate(await clientRequest(client, { connection })))).toBe('ok')
    }
  })

  it.each(['jwtSvid', 'wit', 'x509', 'wimse'] as const)('SCA-4-02: takes no %s where that is not configured', async (method) => {
    const { trust, runtime, verifyWit, replay } = world
    const all = { jwtSvid: { trust }, wit: { verifyWit, replay }, x509: true, wimse: true } as const
    const { [method]: _left, ...others } = all
    const { createClientAuthenticator } = await import('../src/index.ts')
    const { authenticate, methods } = createClientAuthenticator({ issuer: SHOP, admit: ['spiffe://shop.example/*'], runtime, ...others })
    const wit = await verifyWit(world.payments.token)
    const requests = {
      jwtSvid: await clientRequest(await svid()),
      wit: await clientRequest(attested(await pop())),
      x509: await clientRequest(clientIdentification(identifier), { connection: connectionOf(PAYMENTS) }),
      wimse: await clientRequest(undefined, { peer: { identifier, proofs: [proofOf(wit)] } }),
    }
    expect(methods).toHaveLength(3)
    expect(await codeOf(authenticate(requests[method]))).toBe('ERR_EXCHANGE_CLIENT_METHOD')
  })

  it.each([
    ['SCA-5.1-08: an identifier alone', [PAYMENTS], 'ok'],
    ['SCA-5.1-08: another identifier', [ORDERS], 'ERR_EXCHANGE_CLIENT_ADMISSION'],
    ['SCA-5.1-06: a pattern above it', ['spiffe://shop.example/*'], 'ok'],
    ['SCA-5.1-06, SCA-5.1-07: a pattern of another segment', ['spiffe://shop.example/pay/*'], 'ERR_EXCHANGE_CLIENT_ADMISSION'],
    ['SCA-3.1-14: a pattern of another trust domain', ['spiffe://bank.example/*'], 'ERR_EXCHANGE_CLIENT_ADMISSION'],
  ] as const)('SCA-5-02: admits by pattern: %s', async (_title, admit, code) => {
    expect(await outcome(await svid(), { admit })).toBe(code)
  })

  it('SCA-5-02: admits ten thousand workloads by one rule, without a record of any', async () => {
    const { authenticate } = world.authenticator({ admit: ['spiffe://shop.example/batch/*'] })
    const parameters = { clientId: undefined, assertionType: undefined, assertion: undefined }
    for (let index = 0; index < 10_000; index += 1) {
      const clientId = `spiffe://shop.example/batch/${index}`
      const request = { fields: [], parameters: { ...parameters, clientId }, connection: connectionOf(clientId) }
      expect((await authenticate(request)).identifier).toBe(clientId)
    }
  })

  it('SCA-5.1-05: refuses patterns that are none, an issuer that is none, and options that let nobody in', async () => {
    const { createClientAuthenticator } = await import('../src/index.ts')
    expect(await codeOf(() => world.authenticator({ admit: ['spiffe://shop.example/pay*'] }))).toBe('ERR_IDENTIFIER_PATTERN')
    for (const issuer of ['', 'tokens', 'http://tokens.shop.example', `${SHOP}#a`, `${SHOP}?a`, 'https://a@tokens.shop.example']) {
      expect(await codeOf(() => world.authenticator({ issuer })), issuer).toBe('ERR_OPTIONS_INVALID')
    }
    expect(await codeOf(() => world.authenticator({ admit: [] }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => createClientAuthenticator({ issuer: SHOP, admit: [PAYMENTS] }))).toBe('ERR_OPTIONS_INVALID')
    expect(await codeOf(() => world.authenticator({ clockToleranceSeconds: 121 }))).toBe('ERR_OPTIONS_INVALID')
    const { verifyWit, replay } = world
    for (const age of [{ maxProofAgeSeconds: Number.NaN }, { maxAttestationAgeSeconds: Number.NaN }]) {
      expect(await codeOf(() => world.authenticator({ wit: { verifyWit, replay, ...age } }))).toBe('ERR_OPTIONS_INVALID')
    }
  })

  it('refuses to make a proof with a WIT that has expired', async () => {
    const { runtime, payments: credential } = world
    const late = { ...runtime, now: () => runtime.now() + 400_000 }
    expect(await codeOf(createAttestationAuthentication({ credential, issuer: SHOP, runtime: late }))).toBe('ERR_CREDENTIAL_EXPIRED')
    expect(await codeOf(createAttestationAuthentication({ credential, issuer: 'x', runtime }))).toBe('ERR_OPTIONS_INVALID')
  })
})
