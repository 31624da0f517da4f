import { decodeUnverifiedJws } from '@wimse/keys'
import { waitUntil } from '../../spire/wait-until.ts'
import { type Check, type CheckContext, CheckFailure, type Evidence } from '../../suite/check.ts'
import type { CallSpec } from '../../world/control-protocol.ts'
import { anchorOf, callUntil, isServed } from '../call-until.ts'
import { evidenceOfCall } from '../expect-answer.ts'
import { charge, identifierOf, type Scene, scenes } from '../scene.ts'
import { steadyStream } from './steady-stream.ts'

/** Longer than a credential lives: by then everybody has one of the new authority. */
const RENEWAL_MS = 75_000
const PHASES = { x509: 20, jwt: 20, wit: 21 } as const
const REQUIREMENTS = {
  x509: ['FED-4.1-04', 'BUNDLE-3-03', 'WLAPI-4.3-01'],
  jwt: ['FED-4.1-04', 'BUNDLE-3-03', 'WLAPI-6.2.2-02'],
  wit: ['FED-4.1-04', 'BUNDLE-3-03', 'WSVID-2.1-03'],
} as const

/** The authorities of both trust domains are rotated under the stream of calls, and what the new ones issue comes into use. */
export const authorityRotationChecks: readonly Check[] = scenes.flatMap((scene) =>
  (['x509', 'jwt', 'wit'] as const).map((kind) => ({
    id: `rotation.${kind}.${scene.calleeDomain.replace('.', '-')}`,
    title: `the ${kind} authority of ${scene.calleeDomain} is rotated`,
    scenario: 'rotation',
    kind: 'positive',
    requirements: REQUIREMENTS[kind],
    phase: PHASES[kind],
    timeoutMs: RENEWAL_MS * 2,
    run: (context) => rotate(context, scene, kind),
  })),
)

async function rotate({ world, log }: CheckContext, scene: Scene, kind: keyof typeof PHASES): Promise<Evidence> {
  await steadyStream(world)
  const orders = world.workload('orders')
  const before = await sign()
  const { manner } = await world.trustDomains[scene.calleeDomain].rotate(kind)
  log(`${scene.calleeDomain} signs with a new ${kind} key (${manner})`)
  if (kind === 'jwt') {
    const served = await callUntil(orders, charge(world, scene, 'jwt-svid'), {
      what: 'a JWT-SVID is taken',
      fits: isServed,
      timeoutMs: 10_000,
    })
    return { manner, call: evidenceOfCall(served) }
  }
  const after = await waitUntil(`a credential of the new ${kind} authority`, async () => changed(before, await sign()), {
    timeoutMs: RENEWAL_MS,
    intervalMs: 500,
  })
  return { manner, before, after }

  /** What shows which authority is in use: the callee's root, or the key that signed the WIT. */
  async function sign(): Promise<string> {
    if (kind === 'jwt') return ''
    if (kind === 'wit') return keyIdOf((await world.workload(scene.scenario === 'single-hop' ? 'orders' : scene.callee).lendWit()).token)
    // With an expectation of its own the call makes a new connection.
    const spec: CallSpec = { ...charge(world, scene, 'mutual-tls'), expectPeer: identifierOf(scene) }
    return anchorOf(await callUntil(orders, spec, { what: 'a call by mutual TLS', fits: isServed, timeoutMs: 5_000 }))
  }
}

function changed(before: string, after: string): string | undefined {
  return before === after ? undefined : after
}

function keyIdOf(token: string): string {
  const { kid } = decodeUnverifiedJws(token).header
  if (typeof kid !== 'string') throw new CheckFailure('the WIT names no key')
  return kid
}
