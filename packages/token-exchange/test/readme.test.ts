import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as core from '@wimse/core'
import { generateSigner, type Signer } from '@wimse/keys'
import { createTestAuthority, type TestAuthority, trustAuthorities } from '@wimse/testing'
import * as wit from '@wimse/wit'
import ts from 'typescript'
import { beforeAll, expect, it } from 'vitest'
import * as tokenExchange from '../src/index.ts'
import { LEDGER, ORDERS, SHOP } from './support/world.ts'

const MODULES: Readonly<Record<string, object>> = { '@wimse/core': core, '@wimse/token-exchange': tokenExchange, '@wimse/wit': wit }
const PAYMENTS_ORIGIN = 'https://payments.shop.example'
const programs = [...readFileSync(join(dirname(import.meta.dirname), 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
  ([, text = '']) => text,
)

/** Runs a program of the README as it stands there. @returns what it defines under the name */
async function run<T>(index: number, result: string, given: Readonly<Record<string, unknown>>): Promise<T> {
  const { outputText } = ts.transpileModule(programs[index] ?? '', {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  const statements = outputText.replaceAll(
    /^import \{([^}]*)\} from ['"](.*)['"];$/gm,
    (_line, names, from) => `const {${names}} = modules['${from}'];`,
  )
  const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<T>
  return new AsyncFunction('modules', ...Object.keys(given), `${statements}\nreturn ${result}`)(MODULES, ...Object.values(given))
}

interface Home {
  readonly shop: TestAuthority
  readonly signer: Signer
  readonly issuers: tokenExchange.IssuerKeys
  readonly replay: core.ReplayStore
  readonly trust: ReturnType<typeof trustAuthorities>
  readonly credential: wit.WitCredential
}

let home: Home
beforeAll(async () => {
  const shop = await createTestAuthority({ trustDomain: 'shop.example' })
  const { signer } = await generateSigner('ES256', shop.runtime)
  const issuers = tokenExchange.staticIssuerKeys({ [SHOP]: { keys: [{ ...signer.publicJwk, kid: '1' }] } })
  const { credential } = await shop.issueWit(ORDERS)
  home = { shop, signer, issuers, replay: core.inMemoryReplayStore({ capacity: 1000 }), trust: trustAuthorities([shop]), credential }
})

/** The user's access token for orders, as the home server issued it to someone else. */
async function userToken(scope: readonly string[]): Promise<string> {
  const issued = await tokenExchange.issueAccessToken(
    {
      audience: ORDERS,
      subject: 'alice',
      actors: [],
      scope,
      client: core.parseWorkloadIdentifier('spiffe://shop.example/storefront'),
      confirmation: { jkt: home.credential.signer.thumbprint },
    },
    { issuer: SHOP, signer: home.signer, keyId: '1' },
  )
  return issued.token
}

async function exchange(scope: readonly string[]): Promise<string> {
  const tokenEndpoint = await run<(request: Request) => Promise<Response>>(2, 'tokenEndpoint', { ...home })
  const given = { credential: home.credential, accessToken: await userToken(scope), fetch: tokenEndpoint }
  return run<string>(0, 'token', given)
}

it('TEX-2.1-21, TEX-4.1-03, CHN-B.3-04: the client gets a token at the endpoint, and the resource server takes it with its proof', async () => {
  const token = await exchange(['pay', 'read'])
  const proven = await wit.verifyWit(home.credential.token, { trust: home.trust, profile: 'wit-svid' })
  const { issuers } = home
  expect(await run(3, '({ subject, actor })', { token, issuers, wit: proven })).toEqual({ subject: 'alice', actor: { sub: ORDERS } })
})

it('CHN-2.5-03: the endpoint answers with the error of the protocol', async () => {
  await expect(exchange(['read'])).rejects.toMatchObject({ code: 'ERR_EXCHANGE_REFUSED', error: 'invalid_scope' })
})

it('CHN-2.3-01, CHN-2.4.3-01, CHN-2.5-05: a grant crosses into the other domain', async () => {
  const { signer, issuers, trust, replay, credential } = home
  const verifyWit = wit.createWitVerifier({ trust, profile: 'wit-svid' })
  const clientAt = async (issuer: string): Promise<tokenExchange.AuthenticatedClient> => {
    const { fields } = await tokenExchange.createAttestationAuthentication({ credential, issuer })
    const parameters = { clientId: undefined, assertion: undefined, assertionType: undefined }
    const options = { issuer, admit: ['spiffe://shop.example/*'], wit: { verifyWit, replay } }
    return tokenExchange.createClientAuthenticator(options).authenticate({ fields, parameters })
  }
  const given = {
    claims: { sub: 'alice', scope: 'pay read', act: { sub: ORDERS } },
    client: await clientAt(SHOP),
    clientAtBank: await clientAt('https://tokens.bank.example'),
    signer,
    issuers,
    replay,
  }
  const { token } = await run<tokenExchange.IssuedJwt>(4, 'issued', given)
  const bank = tokenExchange.staticIssuerKeys({ 'https://tokens.bank.example': { keys: [{ ...signer.publicJwk, kid: '1' }] } })
  const proof = { kind: 'wpt', wit: await verifyWit(credential.token) } as const
  expect(await tokenExchange.verifyAccessToken(token, { issuers: bank, audience: LEDGER, proof })).toMatchObject({
    subject: 'customer',
    actor: { sub: 'spiffe://shop.example/services' },
    scope: ['post'],
    clientId: ORDERS,
  })
  await expect(tokenExchange.verifyAccessToken(token, { issuers: bank, audience: PAYMENTS_ORIGIN, proof })).rejects.toMatchObject({
    code: 'ERR_EXCHANGE_ACCESS_TOKEN_AUD',
  })
})

it('TXN-11.2.1-02, TXN-11.2.1-03: a workload starts a transaction by its own word', async () => {
  const request = await run<Request>(1, 'request', { credential: home.credential })
  const { subjectToken, client } = await tokenExchange.parseTokenExchangeRequest(request, {
    subjectTokenTypes: [tokenExchange.TOKEN_TYPES.selfSigned],
  })
  const { fields } = await tokenExchange.createAttestationAuthentication({ credential: home.credential, issuer: SHOP })
  const { trust, replay } = home
  const rules = { verifyWit: wit.createWitVerifier({ trust, profile: 'wit-svid' }), replay }
  const authenticator = tokenExchange.createClientAuthenticator({ issuer: SHOP, admit: [ORDERS], wit: rules })
  const authenticated = await authenticator.authenticate({ fields, parameters: client })
  const verified = await tokenExchange.verifySelfSignedSubject(subjectToken.token, { client: authenticated, audience: SHOP, replay })
  expect(verified.subject).toBe('spiffe://shop.example/batch/nightly')
})
