import type { Runtime } from '@wimse/core'

/** A runtime whose clock is off by that many seconds. */
export function offsetRuntime(runtime: Runtime, seconds: number): Runtime {
  return seconds === 0 ? runtime : { ...runtime, now: () => runtime.now() + seconds * 1000 }
}
