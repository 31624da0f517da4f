import { TOKEN_TYPES } from '@wimse/token-exchange'
import { type Check, CheckFailure } from '../../../suite/check.ts'
import { mapBounded } from '../../../suite/map-bounded.ts'
import { type ShopScene, shopChecks } from '../shop-check.ts'
import { claimsOf, jsonOf, textIn } from '../tokens.ts'
import { FLEET_KEYS, FLEET_SCOPE, type Fleet, fleetId, fleetRequest, openFleet, send } from './fleet-workloads.ts'

const WORKLOADS = 10_000
const AT_A_TIME = 8
const MEBIBYTE = 1024 * 1024

/**
 * What the service may take more for the second half. It keeps each proof until that can't be replayed, and each WIT that it has verified, of which there are
 * 10,000 at most: some kilobytes a workload. The rest is room that the collector has not given back.
 */
const GROWTH_BOUND_BYTES = 48 * MEBIBYTE

/** @returns what is wrong with the answer to this workload */
async function fault(scene: ShopScene, fleet: Fleet, identifier: string, transactions: Set<string>): Promise<string | undefined> {
  const request = await fleetRequest(scene, await fleet.workload(identifier))
  const response = await send(scene, request)
  const body = jsonOf(await response.text())
  if (response.status !== 200) return `${response.status} ${String(body['error'])}`
  if (body['issued_token_type'] !== TOKEN_TYPES.transactionToken) return 'another type of token'
  const { sub, req_wl: requester, scope, txn } = claimsOf(textIn(body, 'access_token'))
  if (sub !== identifier || requester !== identifier || scope !== FLEET_SCOPE) return 'a token for another'
  transactions.add(String(txn))
  return undefined
}

async function serveHalf(scene: ShopScene, fleet: Fleet, from: number, transactions: Set<string>): Promise<number> {
  const began = performance.now()
  const identifiers = Array.from({ length: WORKLOADS / 2 }, (_none, index) => fleetId(from + index))
  const faults = await mapBounded(identifiers, AT_A_TIME, (identifier) =>
    fault(scene, fleet, identifier, transactions).catch((error: unknown) => (error instanceof Error ? error.name : 'a failure')),
  )
  const wrong = faults.filter((found) => found !== undefined)
  if (wrong.length > 0) throw new CheckFailure(`${wrong.length} workloads got no token`, { first: wrong.slice(0, 5) })
  return Math.round(performance.now() - began) / 1000
}

/** Ten thousand at one rule, last: it takes all that the machine has. */
export const fleetChecks: readonly Check[] = shopChecks('no-registration', [
  {
    name: 'fleet.ten-thousand',
    kind: 'positive',
    title: 'ten thousand workloads that nobody registered get transaction tokens by one rule, in bounded memory',
    requirements: ['SCA-5.1-06', 'SCA-3.3.1-01', 'SCA-3.3-01', 'TXN-11.3-02'],
    phase: 10,
    timeoutMs: 240_000,
    async run(scene) {
      const fleet = await openFleet(scene)
      const transactions = new Set<string>()
      const memory = async (): Promise<number> => Math.round((await scene.shop.memory('shop')) / MEBIBYTE)
      const before = await memory()
      const firstSeconds = await serveHalf(scene, fleet, 0, transactions)
      const half = await memory()
      const secondSeconds = await serveHalf(scene, fleet, WORKLOADS / 2, transactions)
      const after = await memory()
      const evidence = {
        workloads: { from: fleetId(0), to: fleetId(WORKLOADS - 1), tokens: transactions.size },
        credentials: `a WIT for each, signed with the trust domain's real issuing key, with one of ${FLEET_KEYS} keys of workloads`,
        proof: 'WIT and attestation proof, over TLS, no client certificate',
        atATime: AT_A_TIME,
        seconds: { firstHalf: firstSeconds, secondHalf: secondSeconds },
        residentMebibytes: { before, afterFirstHalf: half, afterSecondHalf: after },
        secondHalf: { grewByMebibytes: after - half, atMostMebibytes: GROWTH_BOUND_BYTES / MEBIBYTE },
      }
      if (transactions.size !== WORKLOADS) throw new CheckFailure('two workloads got one transaction', evidence)
      if ((after - half) * MEBIBYTE > GROWTH_BOUND_BYTES) throw new CheckFailure('the token service grows with each workload', evidence)
      return evidence
    },
  },
])
