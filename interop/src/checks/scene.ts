import type { ScenarioName } from '../suite/check.ts'
import { CheckFailure } from '../suite/check.ts'
import type { CallSpec, ProofName } from '../world/control-protocol.ts'
import type { TrustDomainName, WorkloadName, World } from '../world/world.ts'

/** A scenario of one call: who is called, and where. */
export interface Scene {
  readonly scenario: Extract<ScenarioName, 'single-hop' | 'cross-trust-domain'>
  readonly callee: Extract<WorkloadName, 'payments' | 'ledger'>
  readonly calleeDomain: TrustDomainName
  /** The trust domain that the callee is not in. */
  readonly otherDomain: TrustDomainName
}

export const scenes: readonly Scene[] = [
  { scenario: 'single-hop', callee: 'payments', calleeDomain: 'shop.example', otherDomain: 'bank.example' },
  { scenario: 'cross-trust-domain', callee: 'ledger', calleeDomain: 'bank.example', otherDomain: 'shop.example' },
]

/** The caller that both callees allow. */
export const CALLER = 'spiffe://shop.example/orders'

/** Proofs that the suite shows, with the requirements that say what the proof is. */
export const proofs: readonly { readonly name: Exclude<ProofName, 'none'>; readonly requirements: readonly string[] }[] = [
  { name: 'mutual-tls', requirements: ['MTLS-3.2-01', 'MTLS-3.2-04', 'MTLS-3.2.1-04', 'CRED-7-04'] },
  { name: 'wpt', requirements: ['WPT-2-01', 'WPT-2-02', 'WPT-2-32', 'WPT-2-34', 'WPT-2-37', 'CRED-5.1.1-01'] },
  { name: 'http-signature', requirements: ['SIG-3-01', 'SIG-3-02', 'SIG-3-20', 'SIG-3-22', 'SIG-3.2-06'] },
  { name: 'http-signature-response', requirements: ['SIG-3.3-02', 'SIG-3.5-02', 'SIG-3.5-10', 'SIG-3-19'] },
  { name: 'jwt-svid', requirements: ['JSVID-3.2-03', 'JSVID-4-02', 'JSVID-5.1-01'] },
]

const PATHS: Readonly<Record<Exclude<ProofName, 'none'>, string>> = {
  'mutual-tls': '/mutual-tls/charges',
  wpt: '/wpt/charges',
  'http-signature': '/http-signature/charges',
  'http-signature-response': '/http-signature/charges',
  'jwt-svid': '/bearer/charges',
}

/** Where the callees take one kind of proof alone. */
export function pathOf(proof: ProofName): string {
  return proof === 'none' ? '/charges' : PATHS[proof]
}

/** `/charges` and what is below `/wpt` take WPTs: there a missing or bad WIT is answered with the challenge. */
export function takesWpt(path: string): boolean {
  return path === '/charges' || path.startsWith('/charges/') || path.startsWith('/wpt/')
}

export function identifierOf({ callee, calleeDomain }: Scene): string {
  return `spiffe://${calleeDomain}/${callee}`
}

export function urlOf(world: World, name: WorkloadName): string {
  const { url } = world.workload(name)
  if (url === undefined) throw new CheckFailure(`${name} has no URL in this world`)
  return url
}

/** The call that every check begins with: a charge, with everything in it that an attacker could change. */
export function charge(world: World, scene: Scene, proof: ProofName): CallSpec {
  return {
    to: urlOf(world, scene.callee),
    proof,
    method: 'POST',
    path: pathOf(proof),
    query: 'currency=EUR',
    body: '{"amount":100}',
  }
}
