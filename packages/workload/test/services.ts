import type { RequestListener } from 'node:http'
import type { Server } from 'node:https'
import { parseTrustDomain } from '@wimse/core'
import { createMutualTlsHttpsServer } from '@wimse/mutual-tls'
import {
  createTestAuthority,
  createTestRuntime,
  type FakeWorkloadApi,
  startFakeWorkloadApi,
  type TestAuthority,
  type TestRuntime,
} from '@wimse/testing'
import { createWorkload, type Workload, type WorkloadOptions, workloadApi } from '../src/node.ts'
import { closeLater, LEDGER, listen, ORDERS, PAYMENTS } from './world.ts'

/** Two trust domains with a Workload API each, as two SPIREs would be. */
export interface Domains {
  readonly runtime: TestRuntime
  readonly shop: TestAuthority
  readonly bank: TestAuthority
  /** What orders, payments and the ledger get their credentials from. */
  readonly ordersApi: FakeWorkloadApi
  readonly paymentsApi: FakeWorkloadApi
  readonly ledgerApi: FakeWorkloadApi
}

export async function makeDomains(): Promise<Domains> {
  const runtime = createTestRuntime()
  const shop = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const bank = await createTestAuthority({ trustDomain: 'bank.example', runtime })
  const start = async (authority: TestAuthority, federated: TestAuthority, identifier: string): Promise<FakeWorkloadApi> => {
    const api = await startFakeWorkloadApi({ authority, federated: [federated], identities: [{ identifier, dnsNames: ['localhost'] }] })
    closeLater(() => api.close())
    return api
  }
  const [ordersApi, paymentsApi, ledgerApi] = await Promise.all([
    start(shop, bank, ORDERS),
    start(shop, bank, PAYMENTS),
    start(bank, shop, LEDGER),
  ])
  return { runtime, shop, bank, ordersApi, paymentsApi, ledgerApi }
}

export async function workloadOn(
  { runtime }: Domains,
  { address }: FakeWorkloadApi,
  options: Partial<WorkloadOptions> = {},
): Promise<Workload> {
  const workload = await createWorkload({ source: workloadApi({ address, runtime }), peers: {}, runtime, ...options })
  closeLater(() => workload.close())
  return workload
}

/** A real server over TLS, with client certificates optional. */
export async function serve(
  { runtime }: Domains,
  workload: Workload,
  listenerOf: (origin: string) => RequestListener,
): Promise<{ readonly origin: string; readonly server: Server; readonly refused: string[] }> {
  const refused: string[] = []
  const { x509, trust } = workload.source
  const server = createMutualTlsHttpsServer({
    source: x509,
    trust,
    profile: 'x509-svid',
    clientCertificate: 'optional',
    authorize: () => true,
    onRefused: ({ code }) => void refused.push(code),
    runtime,
  })
  const origin = `https://localhost:${await listen(server)}`
  server.on('request', listenerOf(origin))
  closeLater(() => server.closeAllConnections())
  return { origin, server, refused }
}

/** Resolves as soon as something holds: what a Workload API pushes takes a moment. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 2000 && !holds(); round += 1) await new Promise((resolve) => setImmediate(resolve))
  if (!holds()) throw new Error('it never came about')
}

/** Whether a workload has anchors of a trust domain now. */
export function trusts({ source: { trust } }: Workload, trustDomain: string): boolean {
  try {
    return trust.bundle(parseTrustDomain(trustDomain)).x509Authorities.length > 0
  } catch {
    return false
  }
}
