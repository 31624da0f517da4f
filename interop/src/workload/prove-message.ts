import { defaultRuntime } from '@wimse/keys'
import { createMessageProof } from '@wimse/message-proof'
import type { WorkloadSource } from '@wimse/workload/node'
import type { MessageProof, MessageSpec } from '../world/control-protocol.ts'
import { offsetRuntime } from './offset-runtime.ts'

/** Proves a message by the workload's own key, under its own WIT or one that it has borrowed. */
export async function proveMessage(
  { destination, fields, payload, boundFields, clockOffsetSeconds = 0, borrowedWit }: MessageSpec,
  source: WorkloadSource,
): Promise<MessageProof> {
  const own = source.wit?.current()
  if (own === undefined) throw new Error('the workload has no such credential')
  const credential = borrowedWit === undefined ? own : { ...own, token: borrowedWit }
  const message = { kind: 'message', destination, fields, payload: new Uint8Array(Buffer.from(payload, 'base64')) } as const
  const runtime = offsetRuntime(defaultRuntime(), clockOffsetSeconds)
  return { fields: await createMessageProof(message, { credential, boundFields, runtime }) }
}
