import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import {
  type InMemoryReplayStore,
  inMemoryReplayStore,
  isWimseError,
  parseWorkloadIdentifier,
  type RequestView,
  requestViewOfParts,
  utf8,
} from '@wimse/core'
import { createTestAuthority, createTestRuntime, type TestAuthority, type TestRuntime, trustAuthorities } from '@wimse/testing'
import type { TrustStore } from '@wimse/trust'
import type { WitCredential } from '@wimse/wit'
import { afterEach } from 'vitest'
import { type Authenticator, type AuthenticatorOptions, createAuthenticator } from '../src/index.ts'
import { type CallCredentials, type PrepareCallOptions, type PreparedCall, type ProofChoice, prepareCall } from '../src/node.ts'

export const ORDERS = 'spiffe://shop.example/orders'
export const PAYMENTS = 'spiffe://shop.example/payments'
export const LEDGER = 'spiffe://bank.example/ledger'
export const ORIGIN = 'https://payments.shop.example'

/** Two trust domains, one workload that calls and one that is called, without any connection between them. */
export interface World {
  readonly runtime: TestRuntime
  readonly shop: TestAuthority
  readonly bank: TestAuthority
  /** Take one out to withdraw its federation. */
  readonly trusted: TestAuthority[]
  readonly trust: TrustStore
  readonly orders: WitCredential
  readonly payments: WitCredential
  readonly replay: InMemoryReplayStore
  readonly credentials: CallCredentials
}

export async function makeWorld(): Promise<World> {
  const runtime = createTestRuntime()
  const shop = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const bank = await createTestAuthority({ trustDomain: 'bank.example', runtime })
  const trusted = [shop, bank]
  const { credential: orders } = await shop.issueWit(ORDERS)
  const { credential: payments } = await shop.issueWit(PAYMENTS)
  const credentials = {
    wit: () => orders,
    jwtSvid: async (audience: string) => ({ token: await shop.issueJwtSvid(ORDERS, { audience: [audience] }) }),
  }
  const replay = inMemoryReplayStore({ capacity: 1000 })
  return { runtime, shop, bank, trusted, trust: trustAuthorities(trusted), orders, payments, replay, credentials }
}

export function authenticatorOf(world: World, options: Partial<AuthenticatorOptions> = {}): Authenticator {
  const { trust, replay, runtime } = world
  return createAuthenticator({ trust, audience: ORIGIN, replay, runtime, ...options })
}

type Fields = RequestView['fields']

export function charge(fields: Fields = [], body: string | null = '{"amount":12}'): RequestView {
  return requestViewOfParts({
    method: body === null ? 'GET' : 'POST',
    scheme: 'https',
    authority: 'payments.shop.example',
    target: '/charges?fast=1',
    fields: [...(body === null ? [] : [['content-type', 'application/json'] as const]), ...fields],
    body: body === null ? null : utf8(body),
  })
}

export function call(
  world: World,
  proof: ProofChoice,
  options: Partial<PrepareCallOptions> & { readonly request?: RequestView } = {},
): Promise<PreparedCall> {
  const { request = charge(), ...rest } = options
  const { credentials, runtime } = world
  return prepareCall(request, { peer: parseWorkloadIdentifier(PAYMENTS), proof, credentials, runtime, ...rest })
}

/** The fields that a proof adds, in the request of another. */
export function fieldsOf({ request }: PreparedCall, ...names: readonly string[]): Fields {
  return request.fields.filter(([name]) => names.includes(name.toLowerCase()))
}

export function without<T extends { readonly fields: Fields }>(message: T, ...names: readonly string[]): T {
  return { ...message, fields: message.fields.filter(([name]) => !names.includes(name.toLowerCase())) }
}

export function withFields<T extends { readonly fields: Fields }>(message: T, added: Fields): T {
  return { ...message, fields: [...message.fields, ...added] }
}

/** The one value of a field. */
export function field({ fields }: { readonly fields: Fields }, name: string): string {
  return fields.find(([line]) => line.toLowerCase() === name)?.[1] ?? ''
}

/** The code of a call that has to fail. */
export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
  } catch (error) {
    if (isWimseError(error)) return error.code
    throw error
  }
  return 'nothing was thrown'
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export function closeLater(close: () => unknown): void {
  closers.push(close)
}

/** Listens on loopback. @returns the port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeLater(() => server.close())
  return (server.address() as AddressInfo).port
}
