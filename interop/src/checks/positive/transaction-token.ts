import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'
import { evidenceOfCall, expectServed } from '../expect-answer.ts'
import { CALLER, charge, scenes } from '../scene.ts'

/** Stands for a transaction token: the proofs bind whatever is in the field. */
const CONTEXT = 'transaction-context-of-order-1'
const OTHER_CONTEXT = 'transaction-context-of-order-2'

/** A transaction token that the proof binds is accepted; exchanged, dropped or doubled on the way it is not. */
export const transactionTokenChecks: readonly Check[] = [
  ...scenes.flatMap((scene) =>
    (['wpt', 'http-signature'] as const).map(
      (proof): Check => ({
        id: `${scene.scenario}.${proof}.transaction-token`,
        title: `${scene.callee} takes a transaction token that the ${proof} binds`,
        scenario: scene.scenario,
        kind: 'positive',
        requirements: proof === 'wpt' ? ['WPT-2-18', 'WPT-2-39'] : ['SIG-3-11'],
        async run({ world }) {
          const result = await world.workload('orders').call({ ...charge(world, scene, proof), transactionToken: CONTEXT })
          expectServed(result, { caller: CALLER, callee: scene.callee, proof })
          return { call: evidenceOfCall(result) }
        },
      }),
    ),
  ),
  ...attackChecks({
    name: 'transaction-token-changed',
    title: 'another transaction token on the way',
    proof: 'wpt',
    requirements: ['WPT-2-39', 'WPT-2.1-02'],
    change: { transactionToken: CONTEXT, tamper: [{ kind: 'set-header', name: 'txn-token', value: OTHER_CONTEXT }] },
    expect: { refused: 'ERR_WPT_TTH' },
  }),
  ...attackChecks({
    name: 'transaction-token-added',
    title: 'a transaction token that the proof does not bind',
    proof: 'wpt',
    requirements: ['WPT-2-18', 'WPT-2-39'],
    change: { tamper: [{ kind: 'set-header', name: 'txn-token', value: OTHER_CONTEXT }] },
    expect: { refused: 'ERR_WPT_TTH_MISSING' },
  }),
  ...attackChecks({
    name: 'transaction-token-removed',
    title: 'the transaction token is taken away on the way',
    proof: 'wpt',
    requirements: ['WPT-2-39'],
    change: { transactionToken: CONTEXT, tamper: [{ kind: 'remove-header', name: 'txn-token' }] },
    expect: { refused: 'ERR_WPT_TTH' },
  }),
  ...attackChecks({
    name: 'transaction-token-changed',
    title: 'another transaction token on the way',
    proof: 'http-signature',
    requirements: ['SIG-3-11', 'SIG-3-01'],
    change: { transactionToken: CONTEXT, tamper: [{ kind: 'set-header', name: 'txn-token', value: OTHER_CONTEXT }] },
    expect: { refused: 'ERR_HTTP_SIGNATURE_INVALID' },
  }),
]
