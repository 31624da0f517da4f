import { CheckFailure } from '../suite/check.ts'
import type { CallResult, CallSpec } from '../world/control-protocol.ts'
import type { ControlledWorkload } from '../world/world.ts'
import { evidenceOfCall } from './expect-answer.ts'

const INTERVAL_MS = 300

/** Makes a call again and again until its end is as wanted. */
export async function callUntil(
  caller: ControlledWorkload,
  spec: CallSpec,
  wanted: { readonly what: string; readonly fits: (result: CallResult) => boolean; readonly timeoutMs: number },
): Promise<CallResult> {
  const deadline = performance.now() + wanted.timeoutMs
  for (;;) {
    const result = await caller.call(spec)
    if (wanted.fits(result)) return result
    if (performance.now() > deadline) {
      throw new CheckFailure(`${wanted.what}: not within ${wanted.timeoutMs / 1000} s`, { lastCall: evidenceOfCall(result) })
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}

export function isServed({ outcome, status }: CallResult): boolean {
  return outcome === 'answered' && status === 200
}

/** SHA-256 of the root under which the caller validated its peer. */
export function anchorOf({ evidence }: CallResult): string {
  const { peer } = evidence
  const anchor: unknown = typeof peer === 'object' && peer !== null && 'anchor' in peer ? peer.anchor : undefined
  if (typeof anchor !== 'string') throw new CheckFailure('the evidence of the call names no anchor of the peer')
  return anchor
}
