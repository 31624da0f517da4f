import { connect as dial } from 'node:net'
import { isWimseError, utf8 } from '@wimse/core'
import { afterEach } from 'vitest'
import {
  type ConsumerDeclaration,
  type NatsBroker,
  type NatsDelivery,
  type NatsOptions,
  openNats,
  type StreamDeclaration,
} from '../src/index.ts'
import { findNatsServer, type NatsServer, type NatsServerOptions, startNatsServer } from '../src/testing.ts'

const found = await findNatsServer()
/** Why there is no NATS here; shown in titles of what is skipped. */
export const missing: string | undefined = 'missing' in found ? found.missing : undefined

const closers: (() => unknown)[] = []

/** What is undone after the test. */
export function later(close: () => unknown): void {
  closers.push(close)
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export async function nats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options)
  later(() => server.close())
  return server
}

export async function connect({ url }: { readonly url: string }, options: Partial<NatsOptions> = {}): Promise<NatsBroker> {
  const broker = await openNats({ url, ...options })
  later(() => broker.close())
  return broker
}

export const SUBJECT = 'settlement.jobs'
export const DEAD = 'settlement.dead'
export const SOURCE = { stream: 'SETTLEMENT', consumer: 'worker' } as const

/** A broker with a stream of jobs, one of dead letters, and a consumer of each. */
export async function settlement({
  stream = {},
  consumer = {},
  server,
  options = {},
}: {
  readonly stream?: Partial<StreamDeclaration>
  readonly consumer?: Partial<ConsumerDeclaration>
  readonly server?: NatsServer
  readonly options?: Partial<NatsOptions>
} = {}): Promise<{ readonly server: NatsServer; readonly broker: NatsBroker }> {
  const running = server ?? (await nats())
  const broker = await connect(running, options)
  await broker.declareStream({ name: 'SETTLEMENT', subjects: [SUBJECT], workQueue: true, ...stream })
  await broker.declareStream({ name: 'DEAD', subjects: [DEAD] })
  await broker.declareConsumer({ stream: 'SETTLEMENT', name: 'worker', ...consumer })
  await broker.declareConsumer({ stream: 'DEAD', name: 'reader' })
  return { server: running, broker }
}

/** The next message of a consumer; those that come after it stay with the broker. */
export async function next(
  broker: NatsBroker,
  source: { readonly stream: string; readonly consumer: string } = SOURCE,
): Promise<NatsDelivery> {
  const deliveries = await broker.deliveries({ deadLetterSubject: DEAD, ...source, prefetch: 1 })
  for await (const delivery of deliveries) {
    deliveries.stop()
    return delivery
  }
  throw new Error('stopped')
}

export const text = (octets: Uint8Array): string => new TextDecoder().decode(octets)
export const message = (payload = 'a job', id?: string) =>
  ({ subject: SUBJECT, fields: [], payload: utf8(payload), ...(id !== undefined && { id }) }) as const

/** Publishes what no client sends. */
export function publishRaw(port: number, subject: string, block: string, payload: string): Promise<void> {
  const [header, body] = [Buffer.from(block), Buffer.from(payload)]
  const command = `CONNECT {"headers":true,"verbose":false}\r\nHPUB ${subject} ${header.length} ${header.length + body.length}\r\n`
  return new Promise((resolve, reject) => {
    const socket = dial(port, '127.0.0.1', () =>
      socket.write(Buffer.concat([Buffer.from(command), header, body, Buffer.from('\r\nPING\r\n')])),
    )
    let answer = ''
    socket.on('data', (octets) => {
      answer += String(octets)
      if (answer.includes('-ERR')) reject(new Error(answer))
      else if (answer.includes('PONG')) socket.end(resolve)
    })
    socket.on('error', reject)
  })
}

/** The outcome, or the code of the failure. */
export async function codeOf(step: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    return await (typeof step === 'function' ? step() : step)
  } catch (error) {
    if (isWimseError(error)) return error.code
    throw error
  }
}
