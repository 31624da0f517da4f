import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type ListenAddress, type Listening, listen } from '@wimse/program'
import type { LiveValue } from '@wimse/workload-api'
import { formatSvidPem, type HeldSvid } from '../spire/held-svid.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

// FED-5-03: Mozilla's intermediate settings.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Serves the bundle over TLS: the server shows its X.509-SVID (FED-5.2.2.3-01), the newest one on each new connection, and asks for no
 * client certificate (FED-5.2.2.3-02).
 */
export async function serveBundle(
  address: ListenAddress,
  source: Pick<LiveValue<HeldSvid>, 'current' | 'onRotate'>,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  const context = (svid: HeldSvid) => {
    const { certificateChainPem: cert, privateKeyPem: key } = formatSvidPem(svid)
    return { cert, key, ciphers: CIPHERS, minVersion: 'TLSv1.2' } as const
  }
  const server = createServer({ ...context(source.current()), ...REQUEST_LIMITS }, handler)
  const unsubscribe = source.onRotate((svid) => server.setSecureContext(context(svid)))
  const listening = await listen(server, address)
  return {
    port: listening.port,
    close(): Promise<void> {
      unsubscribe()
      return listening.close()
    },
  }
}
