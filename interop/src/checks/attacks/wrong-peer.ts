import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

/** The caller knows whom it wants to talk to, and hangs up on anybody else before it says a word. */
export const wrongPeerChecks: readonly Check[] = attackChecks({
  name: 'wrong-peer',
  title: 'somebody else answers where the caller expects fraud',
  proof: 'mutual-tls',
  requirements: ['MTLS-3.2.1-03', 'MTLS-3.2.1-04', 'MTLS-3.2-03'],
  change: { expectPeer: 'spiffe://shop.example/fraud' },
  expect: { notSent: 'ERR_MTLS_PEER' },
})
