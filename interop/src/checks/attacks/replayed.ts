import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

/** The same request once more, octet for octet. */
export const replayedChecks: readonly Check[] = [
  attackChecks({
    name: 'replayed',
    title: 'the request is sent a second time',
    proof: 'wpt',
    requirements: ['WPT-2-38', 'WPT-3.1.4-01'],
    change: { tamper: [{ kind: 'replay' }] },
    expect: { refused: 'ERR_WPT_REPLAYED' },
  }),
  attackChecks({
    name: 'replayed',
    title: 'the request is sent a second time',
    proof: 'http-signature',
    requirements: ['SIG-3-41'],
    change: { tamper: [{ kind: 'replay' }] },
    expect: { refused: 'ERR_HTTP_SIGNATURE_REPLAYED' },
  }),
].flat()
