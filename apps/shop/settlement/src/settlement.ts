import { inMemoryDeliveryStore, isJsonObject, isWimseError, type JsonObject, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { decodeUnverifiedJws, defaultRuntime } from '@wimse/keys'
import { createDeliveryVerifier, type NatsDelivery } from '@wimse/message-nats'
import { actorsOf, GRANT_FIELD, jobSubject, type ShopService, textsIn, type Write } from '@wimse/shop-platform'
import type { VerifiedTransactionToken } from '@wimse/transaction-tokens'
import { createWitVerifier } from '@wimse/wit'
import { decideOutcome } from './decide-outcome.ts'
import { readJob } from './read-job.ts'
import { workThrough } from './work-through.ts'

const PAYMENTS = 'spiffe://shop.example/payments'
const SCOPE = ['payments:settle']
/** Jobs that one instance does at a time. */
const SLOTS = 8
/** Long enough for a call that is answered, short enough for the broker, which waits for both. */
const TIMEOUT_MS = 5_000
/** How old a job may be. */
const MAX_AGE_SECONDS = 86_400
/** Proofs are known again for as long as that: more jobs a day wait, rather than one of them be taken twice. */
const REMEMBERED_MESSAGES = 100_000

/** Does what others have left behind: takes a job, has its grant redeemed, and has payments settle it. It keeps nothing that a next instance would miss. */
export async function settlement(service: ShopService, write: Write): Promise<void> {
  const { call, config, jobs, tokens, workload } = service
  if (jobs === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'configuration: platform.broker' })
  const senders = new Set(textsIn(config.document, 'senders'))
  const verify = createDeliveryVerifier({
    verifyWit: createWitVerifier({ trust: workload.source.trust, profile: workload.source.witProfile ?? 'wimse' }),
    namespace: config.trustDomain,
    subjects: [jobSubject('settle'), jobSubject('restock')],
    boundFields: [GRANT_FIELD],
    deliveries: inMemoryDeliveryStore({ capacity: REMEMBERED_MESSAGES }),
    // The broker is ours, and nobody else's clock is at hand: a job that waited was fresh when the broker took it.
    brokerTime: { trusted: true, maxAgeSeconds: MAX_AGE_SECONDS },
  })

  const work = async (delivery: NatsDelivery, tell: Tell): Promise<void> => {
    const message = await verify(delivery)
    const { job, action, parameters, amount, grant, use } = readJob(message, delivery.subject)
    tell('taken', { job, action, sender: message.identifier })
    if (!senders.has(message.identifier)) throw new WimseError('ERR_POLICY_DENIED')
    refuseStolen(grant, message.identifier)
    const transaction = await tokens.redeem(grant, { scope: SCOPE, parameters, timeoutMs: TIMEOUT_MS, ...(use !== undefined && { use }) })
    tell('redeemed', factsOf(transaction))
    refuseOthersGrant(transaction, message.identifier)
    const { receipt } = await call(PAYMENTS, '/settlements', { json: { amount }, transaction, timeoutMs: TIMEOUT_MS })
    await delivery.acknowledge()
    tell('done', { receipt })
    // Only now: until the broker has confirmed, the job may come to another worker, who then needs the use.
    await tokens.giveUp(transaction.token, { timeoutMs: TIMEOUT_MS }).catch(() => undefined)
  }

  const handle = async (delivery: NatsDelivery): Promise<void> => {
    const facts: Record<string, unknown> = { position: delivery.position, delivery: delivery.deliveries }
    const tell: Tell = (step, known) => {
      Object.assign(facts, known)
      write(
        `${JSON.stringify({ time: new Date(defaultRuntime().now()).toISOString(), event: 'job', service: config.name, step, ...facts })}\n`,
      )
    }
    try {
      await work(delivery, tell)
    } catch (error) {
      const { step, ...outcome } = decideOutcome(error, delivery.deliveries)
      if ('delaySeconds' in outcome) delivery.retryAfter(outcome.delaySeconds * 1000)
      else if (!(await buried(delivery, outcome.code))) return
      tell(step, outcome)
    }
  }
  await workThrough(await jobs.deliveries(SLOTS), SLOTS, handle)
}

/** A dead letter that the broker didn't take is a job that comes again. */
function buried(delivery: NatsDelivery, code: string): Promise<boolean> {
  return delivery.bury(code).then(
    () => true,
    () => false,
  )
}

/** Says how far a job has come. What is known of it stays on its next lines. */
type Tell = (step: 'taken' | 'redeemed' | 'done' | 'retry' | 'buried', facts: object) => void

function factsOf({ transaction, subject, scope, claims: { act, deferral } }: VerifiedTransactionToken): object {
  const { txn: linkedTransaction, requester } = isJsonObject(deferral) ? deferral : {}
  return { transaction, subject, scope, ...actorsOf(act), requester, linkedTransaction }
}

/**
 * A look at who the grant says that it was given to, before its use is taken from whom that is. Nobody has verified it yet, and nothing is allowed by it: what
 * can't be read, or was changed, the token service refuses.
 */
function refuseStolen(grant: string, sender: WorkloadIdentifier): void {
  const { requester } = unverifiedClaims(grant)
  if (requester !== undefined && requester !== sender) throw new WimseError('ERR_POLICY_DENIED')
}

function unverifiedClaims(token: string): JsonObject {
  try {
    return decodeUnverifiedJws(token).payload
  } catch (error) {
    if (isWimseError(error)) return {}
    throw error
  }
}

/** Whoever is in the broker sees grants: sent by somebody else than the workload that it was given to, one is stolen. */
function refuseOthersGrant({ claims: { deferral } }: VerifiedTransactionToken, sender: WorkloadIdentifier): void {
  if (!isJsonObject(deferral) || deferral['requester'] !== sender) throw new WimseError('ERR_POLICY_DENIED')
}
