import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { ServiceFootprint } from './probe.ts'

const NODE_OPTIONS = ['--conditions=wimse-source', '--import', join(import.meta.dirname, 'probe.ts')]
const MAIN = join(import.meta.dirname, '../src/main.ts')

/** The token service as an operator runs it: its own process, its events on a pipe. */
export interface ServiceProcess {
  readonly port: number
  /** Lines on standard error so far. */
  events(): number
  footprint(): Promise<ServiceFootprint>
  /** Ends it, and resolves with its exit status. */
  stop(): Promise<number | null>
}

/** Starts the service; resolves when it is ready. Rejects, with what it said, when it ends before. */
export async function startServiceProcess(configPath: string, nodeOptions: readonly string[] = []): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...nodeOptions, MAIN, '--config', configPath], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = Promise.withResolvers<number>()
  let events = 0
  let beginning = ''
  let isReady = false
  const { stderr } = child
  if (stderr === null) throw new Error('no standard error')
  stderr.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) events += 1
    if (isReady) return
    beginning += chunk.toString()
    const port = /"service\.ready".*?"port":(\d+)/.exec(beginning)?.[1]
    if (port === undefined) return
    isReady = true
    ready.resolve(Number(port))
  })
  void ended.then((status) => ready.reject(new Error(`the service ended with ${status}: ${beginning.slice(0, 2000)}`)))
  const port = await ready.promise
  return {
    port,
    events: () => events,
    footprint: () =>
      new Promise((resolve, reject) => {
        child.once('message', (message) => resolve(message as ServiceFootprint))
        child.send('footprint', (error) => {
          if (error !== null) reject(error)
        })
      }),
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
