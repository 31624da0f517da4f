import { AsyncLocalStorage } from 'node:async_hooks'
import { isWimseError, type Runtime } from '@wimse/core'
import type { BoundTransactionToken } from '@wimse/transaction-tokens'
import type { AuthenticatedPeer } from '@wimse/workload'
import type { MiddlewareHandler } from 'hono'

/** What is known of a request while it is handled. Identifiers, names and codes: no token, and nothing that a caller wrote freely. */
export interface Hop {
  caller?: string
  proof?: string
  transaction?: string
  subject?: string
  scope?: readonly string[]
  requestingWorkloads?: readonly string[]
  actors?: readonly string[]
  /** What a ledger has entered, and for which deferred work: who asked for it, who did it, and for whom. */
  entry?: string
  requester?: string
  worker?: string
  user?: string
  /** Why it was refused: a fixed sentence, or a code. */
  reason?: string
}

const hops = new AsyncLocalStorage<Hop>()

/** What is known of the request that is being handled; undefined outside of any. */
export function currentHop(): Hop | undefined {
  return hops.getStore()
}

/** Adds to the line of the request that is being handled. */
export function note(facts: Hop): void {
  const hop = hops.getStore()
  if (hop !== undefined) Object.assign(hop, facts)
}

/** Who calls, and in which transaction: noted before it is decided whether they may. */
export function noteCaller(peer: AuthenticatedPeer, transaction: BoundTransactionToken | undefined): void {
  note({ caller: peer.identifier, proof: peer.proofs.map(({ kind }) => kind).join(' ') })
  if (transaction === undefined) return
  const { subject, scope, requestingWorkloads, transaction: id, claims } = transaction.token
  note({ transaction: id, subject, scope, requestingWorkloads, ...actorsOf(claims['act']) })
}

/** The code of a refusal, unless a reason has been noted. */
export function noteRefusal(error: unknown): void {
  const hop = hops.getStore()
  if (hop !== undefined) hop.reason ??= isWimseError(error) ? error.code : 'failure'
}

/** The first middleware of a service: one line of JSON for each request that it handles. */
export function hopLog(service: string, write: (line: string) => void, runtime: Pick<Runtime, 'now'>): MiddlewareHandler {
  return (context, next) =>
    hops.run({}, async () => {
      await next()
      const { status } = context.res
      // A path that is none of ours could hold anything.
      if (status === 404) return
      const { reason, ...facts } = hops.getStore() ?? {}
      const line = {
        time: new Date(runtime.now()).toISOString(),
        event: 'hop',
        service,
        request: `${context.req.method} ${context.req.path}`,
        ...facts,
        decision: status < 400 ? 'allowed' : 'refused',
        ...(status >= 400 && { reason: reason ?? String(status) }),
      }
      write(`${JSON.stringify(line)}\n`)
    })
}

/** Who acts, the last one first: each `act` has the one before inside. */
export function actorsOf(act: unknown): Pick<Hop, 'actors'> {
  const actors: string[] = []
  for (let actor = act; typeof actor === 'object' && actor !== null && 'sub' in actor; actor = 'act' in actor ? actor.act : undefined) {
    actors.push(String(actor.sub))
  }
  return actors.length === 0 ? {} : { actors }
}
