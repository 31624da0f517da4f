import { isJsonObject, type JsonObject } from '@wimse/core'
import { amountIn, bodyOf, customerIn, note, Refusal, type ShopApp, type ShopService, textIn } from '@wimse/shop-platform'

const CLERK = 'spiffe://bank.example/clerk'

interface Entry {
  readonly entry: string
  readonly amount: number
  readonly for: string
  readonly actors: readonly string[]
  readonly reference?: string
  /** Of work that was done later: who asked for it, who did it, and for whom. */
  readonly requester?: string
  readonly worker?: string
  readonly user?: string
}

/** The bank's book. Whoever comes from the shop shows a token of the bank's own token service: who it was there, the bank is told of deferred work alone. */
export function ledger(app: ShopApp, { delegates, workloads }: ShopService): void {
  const book: Entry[] = []
  const byReference = new Map<string, Entry>()

  app.post('/entries', delegates({ allow: 'spiffe://shop.example/*', scope: ['entries:write'] }), async (c) => {
    const body = await bodyOf(c)
    const amount = amountIn(body)
    const { actors, subject, claims } = customerIn(c)
    const reference = body['reference'] === undefined ? undefined : textIn(body, 'reference')
    // Of this caller: a reference of somebody else is another one.
    const key = `${c.var.peer.identifier} ${reference}`
    const earlier = reference === undefined ? undefined : byReference.get(key)
    if (earlier !== undefined && earlier.amount !== amount) throw new Refusal('the reference is that of another entry')
    const deferral = deferralIn(claims)
    const entry = earlier ?? {
      entry: `entry-${book.length + 1}`,
      amount,
      for: subject,
      actors,
      ...(reference !== undefined && { reference }),
      ...deferral,
    }
    note({ entry: entry.entry, ...deferral })
    if (earlier !== undefined) return c.json(earlier)
    book.push(entry)
    if (reference !== undefined) byReference.set(key, entry)
    return c.json(entry, 201)
  })

  app.get('/entries', workloads({ allow: CLERK }), (c) => {
    const reference = c.req.query('reference')
    if (reference === undefined) return c.json({ count: book.length })
    return c.json({ entries: book.filter((entry) => entry.reference === reference) })
  })
}

/** What the token says of work that was deferred, in the words that the two domains have agreed on. */
function deferralIn({ deferral }: JsonObject): Pick<Entry, 'requester' | 'worker' | 'user'> {
  if (!isJsonObject(deferral)) return {}
  const texts = (['requester', 'worker', 'user'] as const).flatMap((name) => {
    const value = deferral[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(texts)
}
