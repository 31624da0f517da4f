import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'
import { proofs } from '../scene.ts'

/** Who somebody is and what it may do are two questions: rogue proves itself and is refused; a bearer token is not taken everywhere. */
export const notAllowedChecks: readonly Check[] = [
  ...proofs
    .filter(({ name }) => name !== 'http-signature-response')
    .map(({ name }) =>
      attackChecks({
        name: 'not-allowed',
        title: 'a workload of the trust domain that is not on the list',
        proof: name,
        by: 'rogue',
        requirements: ['ID-4.3-03', 'CRED-7-01'],
        change: {},
        expect: { refused: 'ERR_POLICY_DENIED' },
      }),
    ),
  attackChecks({
    name: 'not-taken-here',
    title: 'a JWT-SVID where proofs of possession are asked for',
    proof: 'jwt-svid',
    requirements: ['WPT-2.2-04'],
    change: { path: '/charges' },
    expect: { refused: 'ERR_POLICY_BEARER' },
  }),
  attackChecks({
    name: 'not-taken-here',
    title: 'a WPT where HTTP signatures are asked for',
    proof: 'wpt',
    requirements: ['CRED-9.2-01'],
    change: { path: '/http-signature/charges' },
    expect: { refused: 'ERR_PROOF_MISSING' },
  }),
  attackChecks({
    name: 'not-taken-here',
    title: 'an HTTP signature where WPTs are asked for',
    proof: 'http-signature',
    requirements: ['CRED-9.2-01'],
    change: { path: '/wpt/charges' },
    expect: { refused: 'ERR_PROOF_MISSING' },
  }),
].flat()
