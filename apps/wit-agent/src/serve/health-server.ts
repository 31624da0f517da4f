import { lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Listening, listen } from '@wimse/program'
import type { HealthAddress } from '../config/wit-agent-config.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

/** Serves the health report in the clear: on the loopback interface or on a unix socket, which an earlier run may have left behind. */
export async function serveHealth(
  address: HealthAddress,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  if ('socketPath' in address && (await isSocket(address.socketPath))) await rm(address.socketPath)
  return listen(createServer(REQUEST_LIMITS, handler), address)
}

/** Anything else at that path is not ours to remove. */
async function isSocket(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  return found?.isSocket() === true
}
