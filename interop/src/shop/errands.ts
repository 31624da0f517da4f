import type { ServiceName, SignIn } from '../world/world.ts'

/** One thing that a user has the shop do. */
export interface Errand {
  /** What the command line says; `order` runs without anything. */
  readonly name: 'order' | 'agent' | 'refund' | 'settlement'
  /** What the user does, as a sentence goes on after her name. */
  readonly story: string
  readonly service: ServiceName
  readonly scope: SignIn['scope']
  readonly path: string
  readonly body: Readonly<Record<string, string | number>>
  /** The status that says that it was done. */
  readonly status: number
  /** Every service that has to have had a part in it. */
  readonly services: readonly ServiceName[]
  /** Part of it is left to workers: whoever takes the order is gone by then. */
  readonly later?: { readonly sender: ServiceName; readonly workers: readonly ServiceName[]; readonly services: readonly ServiceName[] }
}

const ORDERING: readonly ServiceName[] = ['storefront', 'orders', 'fraud', 'payments', 'ledger']

export const errands: readonly Errand[] = [
  {
    name: 'order',
    story: 'orders a teapot for 45 EUR at the storefront',
    service: 'storefront',
    scope: ['shop:browse', 'shop:order'],
    path: '/orders',
    body: { item: 'teapot', amount: 45 },
    status: 201,
    services: ORDERING,
  },
  {
    name: 'agent',
    story: 'asks the concierge, an agent, for a teapot, and gives it a budget of 100 EUR',
    service: 'concierge',
    scope: ['shop:browse', 'shop:order', 'shop:refund'],
    path: '/tasks',
    body: { want: 'a teapot', budget: 100 },
    status: 201,
    services: ['concierge', 'buyer', ...ORDERING],
  },
  {
    name: 'refund',
    story: 'asks the concierge to get 45 EUR back for her',
    service: 'concierge',
    scope: ['shop:refund'],
    path: '/refunds',
    body: { order: 'teapot-1', amount: 45 },
    status: 200,
    services: ['concierge', 'storefront', 'orders', 'payments'],
  },
  {
    name: 'settlement',
    story: 'orders a teapot for 45 EUR in the evening, to be settled at night',
    service: 'storefront',
    scope: ['shop:order'],
    path: '/orders',
    body: { item: 'teapot', amount: 45, settle: 'evening' },
    status: 202,
    services: ['storefront', 'orders-evening', 'fraud'],
    later: { sender: 'orders-evening', workers: ['settlement', 'settlement-2'], services: ['payments', 'ledger'] },
  },
]
