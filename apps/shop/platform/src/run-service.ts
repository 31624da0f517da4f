import type { Server } from 'node:https'
import { getRequestListener } from '@hono/node-server'
import { isWimseError, type Runtime } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createMutualTlsHttpsServer } from '@wimse/mutual-tls'
import type { Workload } from '@wimse/workload/node'
import { Hono } from 'hono'
import type { ShopVariables } from './callers.ts'
import { hopLog, noteRefusal } from './hop-log.ts'
import { openService, type ShopService } from './open-service.ts'
import { answerFailure } from './refusal.ts'
import { readServiceConfig, type ServiceConfig } from './service-config.ts'

/** The routes of a service. */
export type ShopApp = Hono<ShopVariables>

/** What a server takes its requests with. */
export type Listener = Parameters<typeof createMutualTlsHttpsServer>[1]

/** A log that is read line by line, each of them JSON. */
export type Write = (line: string) => void

const toStandardError: Write = (line) => void process.stderr.write(line)

/**
 * Runs a service until SIGTERM. Its one argument is the path of its configuration; `service.ready` on standard error says that it serves.
 * Exit status 1 when it can't run.
 */
export async function runService(path: string | undefined, routes: (app: ShopApp, service: ShopService) => void): Promise<void> {
  await runProgram(path, async (config) => {
    const service = await openService(config)
    const app = createApp(config.name, toStandardError, defaultRuntime())
    routes(app, service)
    return serveTls(service.workload, getRequestListener(app.fetch), config)
  })
}

/**
 * Runs a worker until SIGTERM: as {@link runService}, for a program that serves nobody and does what it finds in a queue.
 *
 * @param work ends when there is nothing more to do, which is never; when it fails the program ends with exit status 1
 */
export async function runWorker(path: string | undefined, work: (service: ShopService, write: Write) => Promise<void>): Promise<void> {
  await runProgram(path, async (config) => {
    const service = await openService(config)
    void work(service, toStandardError).catch((error: unknown) => fail(error))
    return { port: config.platform.listen.port }
  })
}

/** The frame of a program: configuration, the line when it is ready, its end. */
export async function runProgram(
  path: string | undefined,
  start: (config: ServiceConfig) => Promise<{ readonly port: number }>,
): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
  try {
    if (path === undefined) throw new Error('usage: main.ts CONFIGURATION')
    const config = await readServiceConfig(path)
    const { port } = await start(config)
    print('service.ready', { service: config.name, origin: config.origin, port })
  } catch (error) {
    fail(error)
  }
}

function print(event: string, details: object): void {
  toStandardError(`${JSON.stringify({ time: new Date(defaultRuntime().now()).toISOString(), event, ...details })}\n`)
}

function fail(error: unknown): void {
  const { code, detail } = isWimseError(error) ? error : { code: error instanceof Error ? error.message : 'failure', detail: undefined }
  print('service.failed', { code, ...(detail !== undefined && { detail }) })
  process.exitCode = 1
  setImmediate(() => process.exit())
}

/** An app that logs each hop and answers failures with problem details. */
export function createApp(name: string, write: Write, runtime: Pick<Runtime, 'now'>): ShopApp {
  const app: ShopApp = new Hono<ShopVariables>()
  app.use(hopLog(name, write, runtime))
  app.onError((error) => answerFailure(error, name))
  return app
}

/** Serves over TLS with the X.509-SVID of the workload. Clients may show a certificate; who may do what is decided by request. */
export async function serveTls(
  workload: Workload,
  listener: Listener,
  { platform }: ServiceConfig,
): Promise<{ readonly port: number; readonly server: Server }> {
  const { x509, trust } = workload.source
  const server = createMutualTlsHttpsServer(
    { source: x509, trust, profile: 'x509-svid', clientCertificate: 'optional', authorize: () => true, onRefused: noteRefusal },
    listener,
  )
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(platform.listen, resolve))
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : platform.listen.port, server }
}
