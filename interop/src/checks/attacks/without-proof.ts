import type { Check } from '../../suite/check.ts'
import type { Tamper } from '../../world/control-protocol.ts'
import { attackChecks } from '../attack.ts'
import { pathOf, proofs } from '../scene.ts'

const proofFields: Readonly<Record<'wpt' | 'http-signature', readonly string[]>> = {
  wpt: ['authorization'],
  'http-signature': ['signature', 'signature-input'],
}

function remove(names: readonly string[]): readonly Tamper[] {
  return names.map((name) => ({ kind: 'remove-header', name }))
}

/** A credential without its proof, a proof without its credential, a WIT in the place of a bearer token, and nothing at all. */
export const withoutProofChecks: readonly Check[] = [
  ...(['wpt', 'http-signature'] as const).flatMap((proof) => [
    attackChecks({
      name: 'wit-alone',
      title: 'the WIT without its proof',
      proof,
      requirements: ['CRED-9.2-01', 'WPT-3.1-01', 'WSVID-7.1-03'],
      change: { tamper: remove(proofFields[proof]) },
      expect: { refused: 'ERR_PROOF_MISSING' },
    }),
    attackChecks({
      name: 'proof-alone',
      title: 'the proof without its WIT',
      proof,
      requirements: ['CRED-5.1.1-01', proof === 'wpt' ? 'WPT-2-01' : 'SIG-3-12'],
      change: { tamper: remove(['workload-identity-token']) },
      expect: { refused: 'ERR_WIT_MISSING' },
    }),
    attackChecks({
      name: 'wit-as-bearer',
      title: 'the WIT as a bearer token',
      proof,
      requirements: ['CRED-5.1-13', 'CRED-9.2-02', 'WSVID-5-04', 'WPT-3.1-03'],
      change: { tamper: [{ kind: 'wit-as-bearer' }] },
      expect: { refused: 'ERR_WIT_AS_BEARER' },
    }),
  ]),
  attackChecks({
    name: 'wit-as-bearer',
    title: 'the WIT as a bearer token where JWT-SVIDs are taken',
    proof: 'wpt',
    family: 'jwt-svid',
    requirements: ['CRED-5.1-13', 'WSVID-5-03', 'JSVID-2.3-02'],
    change: { path: pathOf('jwt-svid'), tamper: [{ kind: 'wit-as-bearer' }] },
    expect: { refused: 'ERR_WIT_AS_BEARER' },
  }),
  ...proofs
    .filter(({ name }) => name !== 'http-signature-response')
    .map(({ name }) =>
      attackChecks({
        name: 'nothing',
        title: 'no credential and no proof',
        proof: 'none',
        family: name,
        requirements: ['CRED-7-01', 'ID-7.2-02'],
        change: { path: pathOf(name) },
        expect: { refused: 'ERR_PROOF_MISSING' },
      }),
    ),
].flat()
