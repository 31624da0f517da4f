import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMutualTlsHttpsServer } from '@wimse/mutual-tls'
import { createWorkload, workloadApi } from '@wimse/workload/node'
import type Provider from 'oidc-provider'
import { createProvider } from './create-provider.ts'
import { answerInteraction } from './interaction.ts'
import type { LoginConfig } from './login-config.ts'

/** Takes one event for the operator: names, scope values and codes, never a token, a code or a password. */
export type Print = (event: string, fields?: Readonly<Record<string, unknown>>) => void

/** An identity provider that runs. */
export interface Login {
  readonly port: number
  close(): Promise<void>
}

/** Started before its registration, it waits for that. */
const READY_TIMEOUT_MS = 600_000

/**
 * Starts the identity provider behind TLS with its X.509-SVID. It calls nobody and needs no WIT; users' browsers have no certificate.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`, `ERR_CREDENTIAL_UNAVAILABLE`, `ERR_WORKLOAD_API_…`; the error of the system when the address can't be had
 */
export async function startLogin(config: LoginConfig, print: Print): Promise<Login> {
  const provider = await createProvider(config)
  tell(provider, print)
  const source = workloadApi({ wit: 'none', ...(config.workloadApi !== undefined && { address: config.workloadApi }) })
  const workload = await createWorkload({ source, peers: {}, readyTimeoutMs: READY_TIMEOUT_MS })
  const { x509, trust } = workload.source
  const tls = { source: x509, trust, profile: 'x509-svid', clientCertificate: 'optional', authorize: () => true } as const
  const server = createMutualTlsHttpsServer(tls, listener(provider, config, print)).listen(config.listen.port, config.listen.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    workload.close()
    throw error
  }
  const { port } = server.address() as AddressInfo
  print('service.ready', { service: 'login', issuer: config.origin, port })
  return {
    port,
    async close() {
      server.close()
      server.closeAllConnections()
      workload.close()
    },
  }
}

function listener(provider: Provider, config: LoginConfig, print: Print): (request: IncomingMessage, response: ServerResponse) => void {
  const serveProtocol = provider.callback()
  const { host } = new URL(config.origin)
  return (request, response) => {
    // The provider writes its addresses with the host that it was asked by: it must be its own.
    if (request.headers.host !== host) return void response.writeHead(421, { 'cache-control': 'no-store' }).end()
    const isInteraction = /^\/interaction\/[\w-]+$/.test(request.url ?? '')
    const answered = isInteraction ? answerInteraction(provider, config, request, response) : serveProtocol(request, response)
    answered.catch((error: unknown) => {
      print('login.failed', { code: error instanceof Error ? error.name : 'unknown' })
      if (!response.headersSent) response.writeHead(500, { 'cache-control': 'no-store' })
      response.end()
    })
  }
}

function tell(provider: Provider, print: Print): void {
  provider.on('access_token.issued', ({ accountId, aud, scope, clientId }) =>
    print('access-token.issued', { subject: accountId, audience: aud, scope: scope?.split(' '), client: clientId }),
  )
  provider.on('interaction.ended', ({ oidc }) => print('signed-in', { subject: oidc.session?.accountId, client: oidc.client?.clientId }))
  provider.on('authorization.error', (_context, { error }) => print('login.refused', { error }))
  provider.on('grant.error', (_context, { error }) => print('login.refused', { error }))
  provider.on('server_error', (_context, error) => print('login.failed', { code: error.name }))
}
