import { parseWorkloadIdentifier, type Runtime } from '@wimse/core'
import { defaultRuntime, generateSigner, type Signer } from '@wimse/keys'
import { createAttestationAuthentication, TOKEN_TYPES, tokenExchangeRequest } from '@wimse/token-exchange'
import { createWitCredential, issueWit, type WitCredential } from '@wimse/wit'
import { evidenceRecord, tokenName } from '../../../suite/evidence.ts'
import { nameTokens } from '../../../workload/redact.ts'
import type { TrustDomainName } from '../../../world/world.ts'
import { stolenKeys, stolenWitSigner } from '../../forge.ts'
import type { TokenAnswer } from '../ask-tokens.ts'
import type { ShopScene } from '../shop-check.ts'
import { jsonOf, SHOP, unsignedSubject } from '../tokens.ts'

/** What the one rule about the fleet gives. */
export const FLEET_SCOPE = 'fleet:report'

/** Keys that all the workloads have among them: making ten thousand would take longer than the rest. */
export const FLEET_KEYS = 8

const LIFETIME_SECONDS = 300

/** `spiffe://shop.example/fleet/7`. Nobody has registered it, at SPIRE or anywhere else. */
export function fleetId(index: number | string): string {
  return `spiffe://${SHOP}/fleet/${index}`
}

/** Makes WITs with the real issuing key of a trust domain: ten thousand entries in SPIRE would test SPIRE. */
export interface Fleet {
  workload(identifier: string, options?: { readonly issuedSecondsAgo?: number }): Promise<WitCredential>
}

/** Opens the fleet of a trust domain. @throws NotRun where its issuing key can't be had */
export async function openFleet({ context }: ShopScene, trustDomain: TrustDomainName = SHOP): Promise<Fleet> {
  const { wit } = await stolenKeys(context.world, trustDomain)
  const runtime = defaultRuntime()
  const issuer = await stolenWitSigner(wit, runtime)
  const made = Array.from({ length: FLEET_KEYS }, async (): Promise<Signer> => (await generateSigner('ES256', runtime)).signer)
  const signers = await Promise.all(made)
  let count = 0
  return {
    async workload(identifier, { issuedSecondsAgo = 0 } = {}) {
      const signer = signers[count++ % FLEET_KEYS]
      if (signer === undefined) throw new Error('a fleet without keys')
      const grant = {
        profile: 'wit-svid',
        subject: identifier,
        confirmationKey: signer.publicJwk,
        lifetimeSeconds: LIFETIME_SECONDS,
        jti: false,
      } as const
      const then: Runtime = { ...runtime, now: () => runtime.now() - issuedSecondsAgo * 1000 }
      const token = await issueWit(grant, { signer: issuer, keyId: wit.keyId, runtime: then })
      return createWitCredential(token, signer)
    },
  }
}

/** What differs from a workload that asks for a transaction of its own. */
export interface FleetRequest {
  readonly subject?: string
  readonly clientId?: string
  readonly scope?: string
  /** Whom the proof is for, when it isn't this token service. */
  readonly proofFor?: string
}

/** A request for a transaction token, authenticated by the WIT and an attestation proof of its key. */
export async function fleetRequest(scene: ShopScene, credential: WitCredential, change: FleetRequest = {}): Promise<Request> {
  const { subject = credential.identifier, clientId, scope = FLEET_SCOPE, proofFor = scene.at('shop-tokens') } = change
  const client = await createAttestationAuthentication({ credential, issuer: proofFor })
  const parameters = clientId === undefined ? client.parameters : [['client_id', parseWorkloadIdentifier(clientId)] as const]
  return tokenExchangeRequest(`${scene.at('shop-tokens')}/token`, {
    subjectToken: unsignedSubject(subject),
    audience: SHOP,
    scope: [scope],
    requestedTokenType: TOKEN_TYPES.transactionToken,
    client: { ...client, parameters },
  })
}

/** Sends it from the suite's process, over TLS, with no certificate. */
export async function send({ shop }: ShopScene, request: Request): Promise<Response> {
  return shop.userFetch(request.url, { method: 'POST', headers: request.headers, body: await request.clone().text() })
}

/** Sends it as an attack may: what came of it, with evidence, and where the events about it begin. */
export async function sendAs(scene: ShopScene, { identifier, token: wit }: WitCredential, request: Request): Promise<TokenAnswer> {
  const eventsBefore = (await scene.shop.events('shop')).length
  const form = await request.clone().text()
  const began = performance.now()
  const response = await send(scene, request)
  const text = await response.text()
  const body = jsonOf(text)
  const token = body['access_token']
  const challenge = response.headers.get('www-authenticate')
  return {
    by: identifier,
    domain: 'shop',
    status: response.status,
    body,
    token: typeof token === 'string' ? token : undefined,
    eventsBefore,
    call: {
      outcome: 'answered',
      status: response.status,
      ...(challenge !== null && { challenge }),
      durationMs: performance.now() - began,
      evidence: evidenceRecord({
        request: `POST ${request.url}`,
        wit: tokenName('wit', wit),
        form: nameTokens(form),
        answer: nameTokens(text),
      }),
    },
  }
}
