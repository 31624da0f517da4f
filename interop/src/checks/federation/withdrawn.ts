import type { ErrorCode } from '@wimse/core'
import { type Check, type CheckContext, CheckFailure, type Evidence } from '../../suite/check.ts'
import type { CallResult } from '../../world/control-protocol.ts'
import type { TrustDomainName } from '../../world/world.ts'
import { callUntil, isServed } from '../call-until.ts'
import { evidenceOfCall, expectClosed, expectRefused, expectRefusedByCaller } from '../expect-answer.ts'
import { charge, pathOf, proofs, scenes, takesWpt } from '../scene.ts'

const SETTLE_MS = 60_000
const CODES: Readonly<Record<string, ErrorCode>> = {
  wpt: 'ERR_WIT_TRUST_DOMAIN',
  'http-signature': 'ERR_WIT_TRUST_DOMAIN',
  'http-signature-response': 'ERR_WIT_TRUST_DOMAIN',
  'jwt-svid': 'ERR_JWT_SVID_TRUST_DOMAIN',
  'mutual-tls': 'ERR_TRUST_DOMAIN_UNKNOWN',
}

/** A federation that is withdrawn ends every call across it, whatever the proof; restored, it carries them again. */
export const withdrawnChecks: readonly Check[] = (
  [
    { name: 'withdrawn-by-callee', domain: 'bank.example', phase: 40 },
    { name: 'withdrawn-by-caller', domain: 'shop.example', phase: 41 },
  ] as const
).map(({ name, domain, phase }) => ({
  id: `cross-trust-domain.federation.${name}`,
  title: `${domain} ends its trust in the other trust domain, and restores it`,
  scenario: 'cross-trust-domain',
  kind: 'attack',
  requirements: ['FED-6.3-01', 'FED-6-01', 'BUNDLE-4.1.3-04', 'WLAPI-6.3-04'],
  phase,
  timeoutMs: 180_000,
  run: (context) => withdrawAndRestore(context, domain),
}))

async function withdrawAndRestore({ world, log }: CheckContext, domain: TrustDomainName): Promise<Evidence> {
  const control = world.trustDomains[domain]
  await control.withdrawFederation()
  let refused: readonly Evidence[]
  try {
    refused = await callEach(
      world,
      'refused',
      (result) => !isServed(result),
      async (proof, result) => judge(world, domain, proof, result),
    )
    log(`${domain}: every proof was refused`)
  } finally {
    await control.restoreFederation()
  }
  const restored = await callEach(world, 'served', isServed, async () => undefined)
  return { refused, restored: restored.length }
}

async function callEach(
  world: CheckContext['world'],
  what: string,
  fits: (result: CallResult) => boolean,
  check: (proof: string, result: CallResult) => Promise<void>,
): Promise<readonly Evidence[]> {
  const [, scene] = scenes
  if (scene === undefined) throw new CheckFailure('there is no second trust domain')
  return Promise.all(
    proofs.map(async ({ name }) => {
      // With an expectation of its own each call makes a connection of its own.
      const spec = { ...charge(world, scene, name), expectPeer: `spiffe://${scene.calleeDomain}/${scene.callee}` }
      const result = await callUntil(world.workload('orders'), spec, { what: `${name} is ${what}`, fits, timeoutMs: SETTLE_MS })
      await check(name, result)
      return { proof: name, call: evidenceOfCall(result) }
    }),
  )
}

async function judge(world: CheckContext['world'], domain: TrustDomainName, proof: string, result: CallResult): Promise<void> {
  const code = CODES[proof] ?? 'ERR_TRUST_DOMAIN_UNKNOWN'
  if (domain === 'shop.example') expectRefusedByCaller(result, 'connection-failed', 'ERR_TRUST_DOMAIN_UNKNOWN')
  else if (proof === 'mutual-tls') expectClosed(result, await world.workload('ledger').status(), code)
  else expectRefused(result, code, { takesWpt: takesWpt(pathOf(proof === 'wpt' ? 'wpt' : 'http-signature')) })
}
