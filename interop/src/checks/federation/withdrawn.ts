import { type ErrorCode, errorAnswer } from '@wimse/core'
import { type Check, type CheckContext, CheckFailure, type Evidence } from '../../suite/check.ts'
import type { CallResult, ProofName } from '../../world/control-protocol.ts'
import type { TrustDomainName } from '../../world/world.ts'
import { callUntil, isServed } from '../call-until.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { charge, identifierOf, pathOf, proofs, scenes, takesWpt } from '../scene.ts'

const SETTLE_MS = 60_000
type AnyProof = Exclude<ProofName, 'none'>

const REFUSED_BY_CALLER: ErrorCode = 'ERR_TRUST_DOMAIN_UNKNOWN'
const REFUSED_BY_CALLEE: Readonly<Record<AnyProof, ErrorCode>> = {
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
  await callEach(world, 'is served before', isServed)
  await control.withdrawFederation()
  let refused: readonly Evidence[]
  try {
    refused = await callEach(world, 'is refused', (result, proof) => isRefused(result, domain, proof))
    const { errors } = await world.workload('ledger').status()
    if (domain === 'bank.example' && !errors.includes(REFUSED_BY_CALLEE['mutual-tls'])) {
      throw new CheckFailure('the callee refused no connection for its trust domain', { refused })
    }
    log(`${domain}: every proof was refused`)
  } finally {
    await control.restoreFederation()
  }
  const restored = await callEach(world, 'is served again', isServed)
  return { refused, restored }
}

/** Calls by every proof until each ends as it has to. Nobody is told that a federation has ended: it takes a moment. */
async function callEach(
  world: CheckContext['world'],
  what: string,
  fits: (result: CallResult, proof: AnyProof) => boolean,
): Promise<readonly Evidence[]> {
  const [, scene] = scenes
  if (scene === undefined) throw new CheckFailure('there is no second trust domain')
  return Promise.all(
    proofs.map(async ({ name }) => {
      // With an expectation of its own each call makes a connection of its own.
      const spec = { ...charge(world, scene, name), expectPeer: identifierOf(scene) }
      const wanted = { what: `${name} ${what}`, fits: (result: CallResult) => fits(result, name), timeoutMs: SETTLE_MS }
      return { proof: name, call: evidenceOfCall(await callUntil(world.workload('orders'), spec, wanted)) }
    }),
  )
}

function isRefused(result: CallResult, domain: TrustDomainName, proof: AnyProof): boolean {
  const { outcome, callerCode, status, challenge, problem } = result
  if (domain === 'shop.example') return outcome === 'connection-failed' && callerCode === REFUSED_BY_CALLER
  if (proof === 'mutual-tls') return outcome === 'connection-failed' && callerCode === 'ERR_MTLS_CONNECTION'
  // The refusal is not signed, so to a caller that wants signed responses it is no answer.
  if (proof === 'http-signature-response') return outcome === 'refused-by-caller' && callerCode === 'ERR_HTTP_SIGNATURE_RESPONSE_UNSIGNED'
  const code = REFUSED_BY_CALLEE[proof]
  const expected = errorAnswer(code, { takesWpt: takesWpt(pathOf(proof)) })
  return problem?.code === code && status === expected.status && challenge === (expected.status === 401 ? 'WPT' : undefined)
}
