import { decodeUnverifiedJws } from '@wimse/keys'
import type { Check, CheckContext } from '../../suite/check.ts'
import type { CallSpec } from '../../world/control-protocol.ts'
import type { WorkloadName } from '../../world/world.ts'
import { attackChecks } from '../attack.ts'
import { forgeWit, forgeX509, stolenKeys } from '../forge.ts'
import { CALLER, identifierOf, type Scene } from '../scene.ts'

/** An issuer of one trust domain names a workload of the other: whom `payments` allows, or the callee itself in its own domain. */
function victimOf(scene: Scene): string {
  return scene.scenario === 'single-hop' ? CALLER : identifierOf(scene)
}

/** Forges with the key of the other domain, under its own key identifier or under that of the victim's domain. */
async function forgedWit({ world }: CheckContext, scene: Scene, underVictimsKeyId: boolean): Promise<Partial<CallSpec>> {
  const { wit } = await stolenKeys(world, scene.otherDomain)
  const witness: WorkloadName = scene.scenario === 'single-hop' ? 'orders' : 'ledger'
  const { kid } = decodeUnverifiedJws((await world.workload(witness).lendWit()).token).header
  const keyId = underVictimsKeyId && typeof kid === 'string' ? { keyId: kid } : {}
  return { forgedCredential: await forgeWit(wit, { identifier: victimOf(scene), ...keyId }) }
}

/** The anchors of a trust domain are good for its own identifiers and for no others. */
export const forgedIdentityChecks: readonly Check[] = [
  ...(['wpt', 'http-signature'] as const).flatMap((proof) => [
    attackChecks({
      name: 'forged-by-other-domain',
      title: 'a WIT of this trust domain, signed by the issuer of the other one',
      proof,
      by: 'rogue',
      requirements: ['CRED-3-01', 'CRED-3-04', 'CRED-5.1.4-04', 'FED-7.3-01'],
      change: (context, scene) => forgedWit(context, scene, false),
      expect: { refused: 'ERR_WIT_KEY_UNKNOWN' },
    }),
    attackChecks({
      name: 'forged-with-key-id',
      title: 'a WIT of this trust domain, signed by the issuer of the other one under the key identifier of this one',
      proof,
      by: 'rogue',
      requirements: ['CRED-3-08', 'CRED-5.1.4-06'],
      change: (context, scene) => forgedWit(context, scene, true),
      expect: { refused: 'ERR_WIT_SIGNATURE' },
    }),
  ]),
  attackChecks({
    name: 'forged-by-other-domain',
    title: 'a certificate of this trust domain, signed by the CA of the other one',
    proof: 'mutual-tls',
    by: 'rogue',
    requirements: ['MTLS-3.2-01', 'CRED-9.3-01', 'CRED-9.3-02', 'BUNDLE-3-02'],
    async change({ world }, scene) {
      const { x509 } = await stolenKeys(world, scene.otherDomain)
      return { forgedCredential: await forgeX509(x509, { identifier: victimOf(scene) }) }
    },
    expect: { closed: 'ERR_X509_NO_PATH' },
  }),
].flat()
