import { shopServices } from '../world/shop-services.ts'
import type { Hop, JobLine, ShopDomain, TokenEvent } from '../world/world.ts'

/** A request that a service handled, or one that a token service answered, with what happened on its behalf before it ended. */
export type Step =
  | { readonly kind: 'hop'; readonly hop: Hop; readonly steps: readonly Step[] }
  /** A job that a worker has done, or given up. */
  | { readonly kind: 'job'; readonly job: JobLine; readonly steps: readonly Step[] }
  | { readonly kind: 'token'; readonly domain: ShopDomain; readonly event: TokenEvent }

/** What was said about the requests of one walk. */
export interface Traces {
  readonly hops: readonly Hop[]
  readonly jobs?: readonly JobLine[]
  readonly events: Readonly<Record<ShopDomain, readonly TokenEvent[]>>
}

const IDENTIFIERS: ReadonlyMap<string, string> = new Map(shopServices.map(({ name, identifier }) => [name, identifier]))

interface Node {
  readonly time: string
  /** Who made the request; absent for users. */
  readonly caller: string | undefined
  readonly hop?: Hop
  readonly job?: JobLine
  readonly token?: Extract<Step, { kind: 'token' }>
  readonly below: Node[]
}

/**
 * Puts requests in order. Each service has written its line when its request ended, so what it asked of others stands before it: a request belongs to the
 * first one of its caller that ended after it. That is right where one request walks at a time.
 */
export function walkOf({ hops, jobs = [], events }: Traces): readonly Step[] {
  const nodes: Node[] = hops.map((hop) => ({ time: hop.time, caller: hop.caller, hop, below: [] }))
  // Its earlier lines are about the same work.
  const ended = jobs.filter(({ step }) => step === 'done' || step === 'buried')
  nodes.push(...ended.map((job): Node => ({ time: job.time, caller: undefined, job, below: [] })))
  for (const domain of ['shop', 'bank'] as const) {
    for (const event of events[domain]) {
      const caller = typeof event['client'] === 'string' ? event['client'] : undefined
      nodes.push({ time: event.time, caller, token: { kind: 'token', domain, event }, below: [] })
    }
  }
  nodes.sort((a, b) => a.time.localeCompare(b.time))
  const roots = nodes.filter((node, index) => {
    const isCaller = ({ hop, job }: Node): boolean => {
      const service = hop?.service ?? job?.service
      return service !== undefined && IDENTIFIERS.get(service) === node.caller
    }
    const parent = nodes.slice(index + 1).find(isCaller)
    parent?.below.push(node)
    return parent === undefined
  })
  return roots.flatMap(stepOf)
}

function stepOf({ hop, job, token, below }: Node): readonly Step[] {
  if (job !== undefined) return [{ kind: 'job', job, steps: below.flatMap(stepOf) }]
  if (hop !== undefined) return [{ kind: 'hop', hop, steps: below.flatMap(stepOf) }]
  return token === undefined ? [] : [token]
}
