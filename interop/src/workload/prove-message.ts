import { type FieldLines, utf8 } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createMessageProof } from '@wimse/message-proof'
import type { WitCredential } from '@wimse/wit'
import type { MessageSpec } from '../world/control-protocol.ts'

/** Proves a message as its sender does. @throws WimseError as `createMessageProof` */
export function proveMessage({ payload, clockOffsetSeconds = 0, ...spec }: MessageSpec, credential: WitCredential): Promise<FieldLines> {
  const { destination, fields, boundFields } = spec
  const usual = defaultRuntime()
  const runtime = { ...usual, now: () => usual.now() + clockOffsetSeconds * 1000 }
  return createMessageProof({ kind: 'message', destination, fields, payload: utf8(payload) }, { credential, boundFields, runtime })
}
