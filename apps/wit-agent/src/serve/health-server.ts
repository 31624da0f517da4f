import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { HealthAddress } from '../config/wit-agent-config.ts'
import { type Listening, listen } from './listen.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

/** Serves the health report in the clear: on the loopback interface or on a unix socket, which an earlier run may have left behind. */
export async function serveHealth(
  address: HealthAddress,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  if ('socketPath' in address) await rm(address.socketPath, { force: true })
  return listen(createServer(REQUEST_LIMITS, handler), address)
}
