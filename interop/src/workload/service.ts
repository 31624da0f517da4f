import type { Server } from 'node:https'
import { inMemoryReplayStore, isWimseError } from '@wimse/core'
import { createMutualTlsHttpsServer } from '@wimse/mutual-tls'
import type { AuthenticatedPeer, ProofKind } from '@wimse/workload'
import { connectionPeerOf, createNodeListener, type Workload } from '@wimse/workload/node'
import type { WorkloadConfig } from './workload-config.ts'

/** Which proofs a path takes. The first whose prefix fits counts. */
const ROUTES: readonly { readonly prefix: string; readonly accept: readonly ProofKind[] }[] = [
  { prefix: '/wpt/', accept: ['wpt'] },
  { prefix: '/http-signature/', accept: ['http-signature'] },
  { prefix: '/mutual-tls/', accept: ['mutual-tls'] },
  { prefix: '/bearer/', accept: ['jwt-svid'] },
  { prefix: '/', accept: ['wpt', 'http-signature', 'mutual-tls'] },
]

/** The service of a workload: one port, client certificates optional, and for each path the proofs that it takes. */
export async function startService(
  { serve, name }: WorkloadConfig,
  workload: Workload,
  onError: (code: string) => void,
): Promise<Server | undefined> {
  if (serve === undefined) return undefined
  const replay = inMemoryReplayStore({ capacity: 100_000 })
  const report = (error: unknown): void => onError(isWimseError(error) ? error.code : String(error))
  const listeners = ROUTES.map(({ prefix, accept }) => {
    const authenticator = workload.authenticator({ audience: serve.origin, replay, accept })
    const options = { authenticator, allow: serve.allow, connectionPeer: connectionPeerOf, onError: report }
    return { prefix, listener: createNodeListener(options, (_request, peer) => Response.json(describe(name, peer))) }
  })
  const server = createMutualTlsHttpsServer(
    {
      source: workload.source.x509,
      trust: workload.source.trust,
      profile: 'x509-svid',
      clientCertificate: 'optional',
      // Who may do what is decided by request; a certificate of a trust domain that isn't trusted has no anchors.
      authorize: () => true,
      onRefused: report,
    },
    (incoming, outgoing) => listeners.find(({ prefix }) => incoming.url?.startsWith(prefix))?.listener(incoming, outgoing),
  )
  await new Promise<void>((resolve) => server.listen(serve.port, serve.host, resolve))
  return server
}

function describe(servedBy: string, { identifier, proofs }: AuthenticatedPeer): Record<string, unknown> {
  const [first] = proofs
  const algorithm = first !== undefined && 'wit' in first ? first.wit.confirmation.algorithm : undefined
  return { servedFor: identifier, servedBy, verified: proofs.map(({ kind }) => kind), algorithm }
}
