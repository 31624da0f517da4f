import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestAuthority } from '../authority/create-test-authority.ts'
import { type PemCredential, pemCredentialOf } from './pem-credential.ts'
import { issueWebCertificate } from './web-certificate.ts'

/** Options of {@link startBundleEndpoint}. */
export interface BundleEndpointServerOptions {
  readonly authority: TestAuthority
  readonly profile: 'https_spiffe' | 'https_web'
}

/** A SPIFFE bundle endpoint on loopback. */
export interface BundleEndpointServer {
  readonly url: string
  /** Who answers there, by `https_spiffe`. */
  readonly identifier: string
  /** The web authority that clients have to believe, in PEM; only with `https_web`. */
  readonly webAuthorityPem: string | undefined
  /** Answers served so far. */
  readonly requests: number
  /** Serves these octets instead of the authority's bundle, from now on; undefined ends that. */
  serve(octets: Uint8Array | undefined): void
  /** Resolves when the certificate that belongs to the last change of the bundle is in use. */
  renewed(): Promise<void>
  close(): Promise<void>
}

/**
 * Serves the bundle of an authority, as it is at each request, over HTTPS with a certificate of Web PKI kind or an X.509-SVID of the
 * authority, which is issued anew whenever the bundle changes.
 */
export async function startBundleEndpoint({ authority, profile }: BundleEndpointServerOptions): Promise<BundleEndpointServer> {
  const identifier = `spiffe://${authority.trustDomain}/bundle-endpoint`
  const web = profile === 'https_web' ? await issueWebCertificate(authority.runtime) : undefined
  const credential = async (): Promise<PemCredential> => web ?? pemCredentialOf(await authority.issueX509Svid(identifier))
  let override: Uint8Array | undefined
  let requests = 0

  const { cert, key } = await credential()
  const server = createServer({ cert, key }, (request, response) => {
    requests += 1
    const found = request.method === 'GET' && request.url === '/'
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(found ? (override ?? authority.spiffeBundle()) : '{}')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const renew = async (): Promise<void> => {
    const { cert, key } = await credential()
    server.setSecureContext({ cert, key })
  }
  let renewal = Promise.resolve()
  const endRenewal = authority.onChange(() => {
    renewal = renewal.then(renew)
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    identifier,
    webAuthorityPem: web?.authorityPem,
    get requests() {
      return requests
    },
    serve(octets): void {
      override = octets
    },
    renewed: () => renewal,
    async close(): Promise<void> {
      endRenewal()
      await renewal
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
