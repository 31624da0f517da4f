import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

const codes = { wpt: 'ERR_WPT_SIGNATURE', 'http-signature': 'ERR_HTTP_SIGNATURE_INVALID' } as const

/** Somebody who saw the WIT of orders uses it with a key of its own. */
export const anotherKeyChecks: readonly Check[] = (['wpt', 'http-signature'] as const).flatMap((proof) =>
  attackChecks({
    name: 'another-key',
    title: 'rogue uses the WIT of orders with its own key',
    proof,
    by: 'rogue',
    requirements: proof === 'wpt' ? ['WPT-2-32', 'WSVID-4-08', 'CRED-5.1-12'] : ['SIG-3-01', 'WSVID-4-08', 'CRED-5.1-12'],
    change: async ({ world }) => ({ borrowedWit: (await world.workload('orders').lendWit()).token }),
    expect: { refused: codes[proof] },
  }),
)
