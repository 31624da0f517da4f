import type { StreamReport, StreamSpec } from '../world/control-protocol.ts'
import type { Caller } from './caller.ts'

/** A steady stream of calls that runs until it is stopped. */
export interface RunningStream {
  stop(): Promise<StreamReport>
}

/** How the stream sees which credentials were in use. */
export interface CredentialMarks {
  x509(): string
  wit(): string
}

/** Begins a call each interval, whether the one before has ended or not, through the calls of the list in turn. */
export function startStream(spec: StreamSpec, caller: Caller, marks: CredentialMarks): RunningStream {
  const started = performance.now()
  const pending = new Set<Promise<void>>()
  const failed: StreamReport['failed'][number][] = []
  const seen = { x509: new Set<string>(), wit: new Set<string>() }
  let made = 0
  const one = async (index: number): Promise<void> => {
    const call = spec.calls[index % spec.calls.length]
    if (call === undefined) return
    const at = new Date().toISOString()
    try {
      seen.x509.add(marks.x509())
      seen.wit.add(marks.wit())
      const path = call.proof === 'jwt-svid' ? '/bearer/charges' : '/charges'
      const { outcome, status, problem, callerCode, evidence } = await caller.call({ ...call, path })
      if (outcome === 'answered' && status === 200) return
      const { cause } = evidence
      failed.push({ at, ...call, code: callerCode ?? problem?.code ?? String(status), ...(typeof cause === 'string' && { cause }) })
    } catch (error) {
      failed.push({ at, ...call, code: error instanceof Error ? error.name : 'unknown' })
    }
  }
  const timer = setInterval(() => {
    const running = one(made++).finally(() => pending.delete(running))
    pending.add(running)
  }, spec.intervalMs)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(pending)
      const seconds = (performance.now() - started) / 1000
      return { made, failed, seconds, credentials: { x509: seen.x509.size, wit: seen.wit.size } }
    },
  }
}
