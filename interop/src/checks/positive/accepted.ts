import { type Check, type CheckContext, CheckFailure, type Evidence, type WorldName } from '../../suite/check.ts'
import { evidenceOf } from '../../suite/evidence.ts'
import type { ProofName } from '../../world/control-protocol.ts'
import { evidenceOfCall, expectServed } from '../expect-answer.ts'
import { CALLER, charge, proofs, type Scene, scenes } from '../scene.ts'

/** The worlds that these checks run in. */
type KeyWorldName = Exclude<WorldName, 'shop'>

/** The algorithm of the keys in each world. */
const ALGORITHMS: Readonly<Record<KeyWorldName, string>> = { main: 'ES256', 'ec-p384': 'ES384', 'rsa-2048': 'RS256' }

/** Each proof is accepted: in both scenes with ES256, in `single-hop` with the other keys as well. */
export const acceptedChecks: readonly Check[] = scenes.flatMap((scene) =>
  (scene.scenario === 'single-hop' ? (['main', 'ec-p384', 'rsa-2048'] as const) : (['main'] as const)).flatMap((world) =>
    proofs.map(
      ({ name, requirements }): Check => ({
        id: `${scene.scenario}.${name}.accepted${world === 'main' ? '' : `.${world}`}`,
        title: `${scene.callee} takes a call of orders by ${name}${world === 'main' ? '' : `, where SPIRE signs with ${world} keys`}`,
        scenario: scene.scenario,
        kind: 'positive',
        requirements,
        world,
        run: (context) => accept(context, scene, name, world),
      }),
    ),
  ),
)

async function accept(
  { world }: CheckContext,
  scene: Scene,
  proof: Exclude<ProofName, 'none'>,
  worldName: KeyWorldName,
): Promise<Evidence> {
  const orders = world.workload('orders')
  const result = await orders.call(charge(world, scene, proof))
  const verified = proof === 'http-signature-response' ? 'http-signature' : proof
  expectServed(result, { caller: CALLER, callee: scene.callee, proof: verified })
  // Mutual TLS and JWT-SVIDs have no proof whose algorithm the callee could tell.
  const algorithm = proof === 'mutual-tls' || proof === 'jwt-svid' ? undefined : ALGORITHMS[worldName]
  if (result.algorithm !== algorithm)
    throw new CheckFailure(`the callee verified ${result.algorithm ?? 'no algorithm'}`, { call: evidenceOfCall(result) })
  const status = await orders.status()
  if (status.witAlgorithm !== ALGORITHMS[worldName]) {
    throw new CheckFailure(`the WIT of orders is for ${status.witAlgorithm ?? 'no algorithm'}, expected ${ALGORITHMS[worldName]}`)
  }
  return { call: evidenceOfCall(result), caller: evidenceOf(status), ...(proof === 'wpt' && { notCovered: NOT_COVERED_BY_WPT }) }
}

const NOT_COVERED_BY_WPT =
  'By design a WPT binds the WIT, the target URI without its query, the transaction token and declared context fields. Body, query, method and other fields are not covered: changing them is no attack that it could stop. HTTP signatures cover them.'
