import type { ErrorCode } from '@wimse/core'
import type { Check, CheckContext, Evidence } from '../suite/check.ts'
import type { CallSpec, ProofName } from '../world/control-protocol.ts'
import type { WorkloadName } from '../world/world.ts'
import { evidenceOfCall, expectClosed, expectRefused, expectRefusedByCaller } from './expect-answer.ts'
import { charge, type Scene, scenes, takesWpt } from './scene.ts'

/** One way to attack a call, and how it has to end. */
export interface Attack {
  /** Last part of the check's id. */
  readonly name: string
  readonly title: string
  readonly proof: ProofName
  /** The second part of the check's id; the proof unless told. */
  readonly family?: string
  /** Who makes the call; `orders`, whom the callee allows, unless told. */
  readonly by?: WorkloadName
  readonly requirements: readonly string[]
  /** What differs from the call that is accepted. */
  readonly change: Partial<CallSpec> | ((context: CheckContext, scene: Scene) => Partial<CallSpec> | Promise<Partial<CallSpec>>)
  readonly expect: ExpectedEnd
  /** The scenes it is made in; all unless told. */
  readonly in?: readonly Scene['scenario'][]
}

/**
 * `refused`: by the callee, with the answer of that code. `closed`: by the callee, which ends the connection and notes the code.
 * `notSent`: the caller refuses whom it reached. `notAccepted`: the caller refuses the response.
 */
export type ExpectedEnd =
  | { readonly refused: ErrorCode }
  | { readonly closed: ErrorCode }
  | { readonly notSent: ErrorCode }
  | { readonly notAccepted: ErrorCode }

/** The checks of an attack, one for each scene. */
export function attackChecks(attack: Attack): readonly Check[] {
  const { name, title, proof, family = proof, requirements, in: where } = attack
  return scenes
    .filter(({ scenario }) => where === undefined || where.includes(scenario))
    .map((scene) => ({
      id: `${scene.scenario}.${family}.${name}`,
      title,
      scenario: scene.scenario,
      kind: 'attack',
      requirements,
      run: (context) => runAttack(attack, scene, context),
    }))
}

async function runAttack({ by = 'orders', proof, change, expect }: Attack, scene: Scene, context: CheckContext): Promise<Evidence> {
  const { world } = context
  const changes = typeof change === 'function' ? await change(context, scene) : change
  const spec = { ...charge(world, scene, proof), ...changes }
  const result = await world.workload(by).call(spec)
  if ('refused' in expect) expectRefused(result, expect.refused, { takesWpt: takesWpt(spec.path ?? '/charges') })
  else if ('closed' in expect) expectClosed(result, await world.workload(scene.callee).status(), expect.closed)
  else if ('notSent' in expect) expectRefusedByCaller(result, 'connection-failed', expect.notSent)
  else expectRefusedByCaller(result, 'refused-by-caller', expect.notAccepted)
  const changed = [...(spec.tamper ?? []).map(({ kind }) => kind), ...(spec.tamperResponse === undefined ? [] : [spec.tamperResponse])]
  return { attacker: by, changed, expected: { ...expect }, call: evidenceOfCall(result) }
}
