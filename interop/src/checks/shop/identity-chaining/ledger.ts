import { isJsonObject, type JsonObject } from '@wimse/core'
import { GRANT_TYPES, TOKEN_TYPES } from '@wimse/token-exchange'
import { type Check, CheckFailure } from '../../../suite/check.ts'
import { evidenceOf } from '../../../suite/evidence.ts'
import type { ServiceName } from '../../../world/world.ts'
import { eventOfToken, issued } from '../ask-tokens.ts'
import { awaitHop, shownLines } from '../await-lines.ts'
import { callAsUser, callService, expectDone } from '../call-service.ts'
import { askForGrant, enter, useGrant } from '../chaining-steps.ts'
import { expectMembers } from '../expect-equal.ts'
import { AMOUNT, clearedOrder, userToken } from '../order-steps.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { actorsOf, claimsOf, shopId, shownToken, textIn } from '../tokens.ts'
import { agedGrant } from './grant.ts'

const SERVICES = shopId('services')

/** What may not cross the border: who the user is, which service asks, what was ordered. */
const INSIDE = [
  'user:ada',
  shopId('payments'),
  shopId('storefront'),
  shopId('orders'),
  'teapot',
  'orders:place',
  'txn',
  'tctx',
  'rctx',
  'req_wl',
]

function expectNothingInside(what: string, claims: JsonObject): void {
  const text = JSON.stringify(claims)
  const found = INSIDE.filter((part) => text.includes(part))
  if (found.length > 0) throw new CheckFailure(`${what} tells the bank of ${found.join(', ')}`)
}

async function metadataOf(scene: ShopScene, service: Extract<ServiceName, 'shop-tokens' | 'bank-tokens'>): Promise<JsonObject> {
  const path = '/.well-known/oauth-authorization-server'
  const answer = await callService(scene, { by: 'as-payments', service, path, proof: 'mutual-tls' })
  expectDone(answer, 200)
  return answer.body
}

/** Payments enters a charge at the bank: what was allowed in the shop crosses the border, generalised. */
export const ledgerChecks: readonly Check[] = shopChecks('identity-chaining', [
  {
    name: 'ledger.accepted',
    title: "a user's order ends at the bank's ledger, which sees a customer and the services of the shop",
    kind: 'positive',
    requirements: ['CHN-2.3-01', 'CHN-2.4-01', 'CHN-2.4.3-01', 'CHN-2.5-01', 'CHN-2.5-02', 'TXN-14-01'],
    async run(scene) {
      void agedGrant(scene).catch(() => undefined)
      const token = await userToken(scene)
      const answer = await callAsUser(scene, { service: 'storefront', path: '/orders', token, json: { item: 'teapot', amount: AMOUNT } })
      const call = expectDone(answer)
      textIn(answer.body, 'receipt')
      const hop = await awaitHop(scene, 'ledger', {
        caller: shopId('payments'),
        proof: 'http-signature',
        subject: 'customer',
        actors: [SERVICES],
        scope: ['entries:write'],
        transaction: undefined,
        decision: 'allowed',
      })
      return { call, hop: shownLines([hop]) }
    },
  },
  {
    name: 'ledger.step-by-step',
    title: 'the grant and the access token say no more than they have to, and are bound to the key of payments',
    kind: 'positive',
    requirements: ['CHN-2.3.3-02', 'CHN-2.3.3-04', 'CHN-5.5-02', 'CHN-6-01', 'CHN-B.3-01', 'CHN-B.3-03', 'CHN-2.5-05'],
    async run(scene) {
      const grant = issued(await askForGrant(scene, { transaction: await clearedOrder(scene) }))
      const token = issued(await useGrant(scene, grant))
      const [granted, given] = [claimsOf(grant), claimsOf(token)]
      const about = { sub: 'customer', act: { sub: SERVICES } }
      expectMembers('the grant', granted, { ...about, aud: scene.at('bank-tokens'), scope: 'ledger:post', client_id: undefined })
      expectMembers('the access token', given, { ...about, aud: scene.at('ledger'), iss: scene.at('bank-tokens'), scope: 'entries:write' })
      expectMembers('the key', { cnf: given['cnf'] }, { cnf: granted['requested_cnf'] })
      if (!isJsonObject(given['cnf'])) throw new CheckFailure('the access token is bound to no key')
      // The bank knows its client, who redeems the grant, by its own proof; what comes from the shop's side is the grant.
      expectNothingInside('the grant', granted)
      expectMembers('the actors', { actors: actorsOf(token) }, { actors: [SERVICES] })
      const events = [await eventOfToken(scene, 'shop', grant), await eventOfToken(scene, 'bank', token)]
      const call = expectDone(await enter(scene, token))
      return { grant: shownToken('grant', grant), token: shownToken('access token', token), events: shownLines(events), call }
    },
  },
  {
    name: 'metadata.shop',
    title: "the shop's token service says what it exchanges, and that it gives grants for other domains",
    kind: 'positive',
    requirements: ['CHN-3-01', 'CHN-2.1-02'],
    async run(scene) {
      const metadata = await metadataOf(scene, 'shop-tokens')
      const issuer = scene.at('shop-tokens')
      expectMembers('the metadata', metadata, {
        issuer,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        identity_chaining_requested_token_types_supported: [TOKEN_TYPES.jwt],
      })
      expectOffers(metadata, GRANT_TYPES.tokenExchange)
      return { metadata: evidenceOf(metadata) }
    },
  },
  {
    name: 'metadata.bank',
    title: "the bank's token service says that it redeems grants",
    kind: 'positive',
    requirements: ['CHN-2.4.1-01', 'CHN-3-02'],
    async run(scene) {
      const metadata = await metadataOf(scene, 'bank-tokens')
      const issuer = scene.at('bank-tokens')
      expectMembers('the metadata', metadata, { issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` })
      expectOffers(metadata, GRANT_TYPES.jwtBearer)
      return { metadata: evidenceOf(metadata) }
    },
  },
])

function expectOffers({ grant_types_supported: grantTypes }: JsonObject, wanted: string): void {
  if (!Array.isArray(grantTypes) || !grantTypes.includes(wanted)) throw new CheckFailure(`${wanted} is not offered`)
}
