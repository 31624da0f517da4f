import { parseWorkloadIdentifier } from '@wimse/core'
import { defaultRuntime, signCompactJws } from '@wimse/keys'
import { GRANT_TYPES, jwtSvidAuthentication, TOKEN_TYPES } from '@wimse/token-exchange'
import { issueTransactionToken } from '@wimse/transaction-tokens'
import type { WitCredential } from '@wimse/wit'
import { createWpt } from '@wimse/wpt'
import { type BenchWorld, CHARGES, IDP, ISSUER, ORDERS, SHOP, STOREFRONT, type TokenRequest } from './bench-world.ts'

const runtime = defaultRuntime()
const seconds = (): number => Math.floor(runtime.now() / 1000)

const DETAILS = { request_context: '{"ip":"192.0.2.1"}', request_details: '{"amount":12}' }
const TRANSACTION = {
  grant_type: GRANT_TYPES.tokenExchange,
  audience: 'shop.example',
  scope: 'orders:place',
  requested_token_type: TOKEN_TYPES.transactionToken,
}

/** One kind of request that the service answers: every call makes another one, with a subject token that it hasn't seen. */
export interface RequestKind {
  readonly name: string
  /** Of the service, for each request; the WIT of a client is verified once and known then. */
  readonly operations: { readonly verifications: number; readonly signatures: number }
  request(): Promise<TokenRequest>
}

/** The kinds that are measured, each with clients of its own. */
export async function requestKinds(world: BenchWorld): Promise<readonly RequestKind[]> {
  const { authority, tokens } = world
  const storefront = (await authority.issueWit(STOREFRONT)).credential
  const orders = (await authority.issueWit(ORDERS)).credential
  const assertion = await authority.issueJwtSvid(STOREFRONT, { audience: [ISSUER] })
  const byAssertion = jwtSvidAuthentication({ identifier: parseWorkloadIdentifier(STOREFRONT), token: assertion })
  const subject = async (): Promise<Record<string, string>> => ({
    subject_token: await accessToken(world),
    subject_token_type: TOKEN_TYPES.accessToken,
  })
  return [
    {
      // The WPT, the access token; the transaction token is signed.
      name: 'token-service',
      operations: { verifications: 2, signatures: 1 },
      request: async () => ({ fields: await proofOf(storefront), form: { ...TRANSACTION, ...DETAILS, ...(await subject()) } }),
    },
    {
      // The WPT, the transaction token.
      name: 'token-service-replacement',
      operations: { verifications: 2, signatures: 1 },
      async request() {
        const token = await issueTransactionToken(
          {
            trustDomain: 'shop.example',
            subject: 'user:alice',
            scope: ['orders:place'],
            requester: STOREFRONT,
            transactionContext: { amount: 12 },
            requesterContext: { ip: '192.0.2.1' },
            lifetimeSeconds: 60,
          },
          tokens,
        )
        const subjectToken = { subject_token: token, subject_token_type: TOKEN_TYPES.transactionToken }
        return { fields: await proofOf(orders), form: { ...TRANSACTION, request_details: '{"fraud":"low"}', ...subjectToken } }
      },
    },
    {
      // The WPT, the access token; the new access token is signed.
      name: 'token-service-access-token',
      operations: { verifications: 2, signatures: 1 },
      request: async () => ({
        fields: await proofOf(storefront),
        form: {
          grant_type: GRANT_TYPES.tokenExchange,
          audience: CHARGES,
          scope: 'orders',
          requested_token_type: TOKEN_TYPES.accessToken,
          ...(await subject()),
        },
      }),
    },
    {
      // The JWT-SVID, which is verified with every request, the access token.
      name: 'token-service-jwt-svid',
      operations: { verifications: 2, signatures: 1 },
      request: async () => ({
        fields: byAssertion.fields,
        form: { ...TRANSACTION, ...DETAILS, ...(await subject()), ...Object.fromEntries(byAssertion.parameters) },
      }),
    },
  ]
}

/** The header fields of a client with a WIT, for one request. */
export async function proofOf(credential: WitCredential): Promise<TokenRequest['fields']> {
  const authorization = await createWpt({ credential, audience: `${ISSUER}/token`, runtime })
  return [
    ['workload-identity-token', credential.token],
    ['authorization', authorization],
  ]
}

let users = 0

/** An access token of the identity provider, of another user each time. */
function accessToken({ idp }: BenchWorld): Promise<string> {
  users += 1
  const iat = seconds()
  const claims = {
    iss: IDP,
    sub: `user-${users}`,
    aud: SHOP,
    iat,
    exp: iat + 300,
    jti: `at-${users}`,
    client_id: 'web',
    scope: 'orders profile',
  }
  return signCompactJws({ typ: 'at+jwt', kid: idp.keyId }, claims, idp.signer)
}
