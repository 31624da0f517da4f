import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { defaultRuntime } from '@wimse/keys'
import { openNats } from '@wimse/message-nats'
import { findNatsServer, startNatsServer } from '@wimse/message-nats/testing'
import { createTestAuthority } from '@wimse/testing'
import { CONSUMER, STREAM, type StreamRun, type StreamSetup, SUBJECT } from './stream-protocol.ts'

const MESSAGES = 1500

export const runs = [
  {
    name: 'message-stream',
    goal: 0.5,
    async missing() {
      const found = await findNatsServer()
      return 'missing' in found ? found.missing : undefined
    },
    async start() {
      const closers: (() => unknown)[] = []
      const close = async (): Promise<void> => {
        for (const step of closers.splice(0).reverse()) await step()
      }
      try {
        const server = await startNatsServer()
        closers.push(() => server.close())
        const broker = await openNats({ url: server.url })
        await broker.declareStream({ name: STREAM, subjects: [SUBJECT], workQueue: true })
        await broker.declareConsumer({ stream: STREAM, name: CONSUMER })
        await broker.close()
        const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime: defaultRuntime() })
        const { credential, privateJwk } = await authority.issueWit('spiffe://shop.example/orders', { lifetimeSeconds: 3600 })
        const setup = { url: server.url, token: credential.token, privateJwk, bundle: new TextDecoder().decode(authority.spiffeBundle()) }
        const processes: ChildProcess[] = []
        for (const role of ['consumer', 'producer'] as const) {
          const child = fork(join(import.meta.dirname, 'stream-process.ts'), { execArgv: ['--conditions=wimse-source'] })
          closers.push(() => child.connected && child.disconnect())
          await ask(child, { ...setup, role })
          processes.push(child)
        }
        return {
          async run(kind: 'with' | 'without') {
            const begin = performance.now()
            await Promise.all(processes.map((child) => ask(child, { count: MESSAGES, proofs: kind === 'with' })))
            return (MESSAGES * 1000) / (performance.now() - begin)
          },
          close,
        }
      } catch (error) {
        await close()
        throw error
      }
    },
  },
]

/** Resolves when the process says that it is through. */
function ask(child: ChildProcess, message: StreamSetup | StreamRun): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (status: number | null): void => reject(new Error(`a process of the benchmark ended with ${status}`))
    child.once('exit', ended)
    child.once('message', () => {
      child.off('exit', ended)
      resolve()
    })
    child.send(message)
  })
}
