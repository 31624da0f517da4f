import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'
import { forgeWit, forgeX509, stolenKeys } from '../forge.ts'
import { CALLER } from '../scene.ts'

/** Longer ago than any proof lives, tolerance of clocks included. */
const LONG_AGO_SECONDS = 600

/** A proof, or the credential under it, whose time is over. The credentials are made with the keys of the caller's own issuer. */
export const expiredChecks: readonly Check[] = [
  attackChecks({
    name: 'expired',
    title: 'a WPT that was made ten minutes ago',
    proof: 'wpt',
    requirements: ['WPT-2-35', 'WPT-3.1.2-02'],
    change: { clockOffsetSeconds: -LONG_AGO_SECONDS },
    expect: { refused: 'ERR_WPT_EXPIRED' },
  }),
  attackChecks({
    name: 'expired',
    title: 'a signature that was made ten minutes ago',
    proof: 'http-signature',
    requirements: ['SIG-3-24', 'SIG-5.1-06'],
    change: { clockOffsetSeconds: -LONG_AGO_SECONDS },
    expect: { refused: 'ERR_HTTP_SIGNATURE_EXPIRED' },
  }),
  ...(['wpt', 'http-signature'] as const).map((proof) =>
    attackChecks({
      name: 'expired-wit',
      title: 'a WIT of the right issuer whose time is over',
      proof,
      by: 'rogue',
      requirements: ['CRED-9.2.1-01', 'WSVID-3.4-03', 'WPT-3.2-03'],
      async change({ world }) {
        const { wit } = await stolenKeys(world, 'shop.example')
        const forgedCredential = await forgeWit(wit, { identifier: CALLER, issuedSecondsAgo: LONG_AGO_SECONDS })
        // Our own caller would not send what it sees to be expired, so its clock is turned back.
        return { forgedCredential, clockOffsetSeconds: -LONG_AGO_SECONDS }
      },
      expect: { refused: 'ERR_WIT_EXPIRED' },
    }),
  ),
  attackChecks({
    name: 'expired-certificate',
    title: 'a certificate of the right issuer whose time is over',
    proof: 'mutual-tls',
    by: 'rogue',
    requirements: ['MTLS-3.2-02', 'CRED-9.4-03', 'XSVID-5.1-01'],
    async change({ world }) {
      const { x509 } = await stolenKeys(world, 'shop.example')
      return { forgedCredential: await forgeX509(x509, { identifier: CALLER, issuedSecondsAgo: LONG_AGO_SECONDS }) }
    },
    expect: { closed: 'ERR_X509_EXPIRED' },
  }),
].flat()
