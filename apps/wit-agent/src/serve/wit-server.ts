import type { IncomingMessage, ServerResponse } from 'node:http'
import { isWimseError, type Runtime, type TrustDomain, WimseError } from '@wimse/core'
import { authorizeTrustDomain, createMutualTlsHttpsServer, recheckPeer } from '@wimse/mutual-tls'
import { describeFailure, type ListenAddress, type Listening, listen, type OperatorLog } from '@wimse/program'
import type { AuthenticatedWorkload } from '../request/process-wit-request.ts'
import type { Upstream } from '../spire/upstream.ts'
import { problemAnswer, sendAnswer } from './http-answer.ts'
import { ownTrust } from './own-trust.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export interface WitServerOptions {
  readonly address: ListenAddress
  readonly trustDomain: TrustDomain
  readonly upstream: Pick<Upstream, 'serving' | 'publication'>
  readonly handler: (request: IncomingMessage, response: ServerResponse, peer: AuthenticatedWorkload) => Promise<void>
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/**
 * Serves the workloads of the own trust domain over mutual TLS 1.3. Who is at the other end is settled with the connection, and looked
 * at again with each request: a certificate that has ended, or whose root is gone, is of no use on a connection that is still open.
 */
export async function serveWits({ address, trustDomain, upstream, handler, runtime, log }: WitServerOptions): Promise<Listening> {
  const authenticate = async (socket: object): Promise<AuthenticatedWorkload> => {
    const peer = await recheckPeer(socket)
    if (peer === undefined) throw new WimseError('ERR_MTLS_CERTIFICATE_MISSING')
    const { leaf, pathNotAfter } = peer.certificate
    if (runtime.now() / 1000 >= pathNotAfter) throw new WimseError('ERR_X509_EXPIRED')
    return { identifier: peer.identifier, leaf }
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let peer: AuthenticatedWorkload
    try {
      peer = await authenticate(request.socket)
    } catch (error) {
      log.event('peer.refused', describeFailure(error))
      response.setHeader('connection', 'close')
      sendAnswer(request, response, problemAnswer(isWimseError(error) ? error.code : 'ERR_X509_MALFORMED'))
      return
    }
    await handler(request, response, peer)
  }
  const server = createMutualTlsHttpsServer(
    {
      source: upstream.serving,
      trust: ownTrust(trustDomain, () => upstream.publication),
      profile: 'x509-svid',
      authorize: authorizeTrustDomain(trustDomain),
      runtime,
      onRefused: (error) => log.event('peer.refused', describeFailure(error)),
    },
    (request, response) => void serve(request, response),
  )
  return listen(Object.assign(server, REQUEST_LIMITS), address)
}
