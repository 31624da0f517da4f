import type { ControlledWorkload, WorkloadName } from './world.ts'

/** The suite's side of a workload's control port. */
export function controlClient(name: WorkloadName, base: string, url: string | undefined): ControlledWorkload {
  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${base}${path}`, { method: 'POST', ...(body !== undefined && { body: JSON.stringify(body) }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${name}${path}: ${text}`)
    return JSON.parse(text) as T
  }
  return {
    name,
    ...(url !== undefined && { url }),
    call: (spec) => ask('/call', spec),
    status: () => ask('/status'),
    lendWit: () => ask('/lend-wit'),
    lendJwtSvid: (audience) => ask('/lend-jwt-svid', { audience }),
    proveMessage: (spec) => ask('/prove-message', spec),
    startStream: async (spec) => {
      await ask('/stream/start', spec)
    },
    stopStream: () => ask('/stream/stop'),
  }
}
