import { type FieldLines, utf8 } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { createMessageProof } from '@wimse/message-proof'
import type { WitCredential } from '@wimse/wit'
import type { MessageSpec } from '../world/control-protocol.ts'
import { offsetRuntime } from './offset-runtime.ts'

/** Proves a message as its sender does. @throws WimseError as `createMessageProof` */
export function proveMessage({ payload, borrowedWit, ...spec }: MessageSpec, own: WitCredential): Promise<FieldLines> {
  const { destination, fields, boundFields, clockOffsetSeconds = 0 } = spec
  const credential = borrowedWit === undefined ? own : { ...own, token: borrowedWit }
  const runtime = offsetRuntime(defaultRuntime(), clockOffsetSeconds)
  return createMessageProof({ kind: 'message', destination, fields, payload: utf8(payload) }, { credential, boundFields, runtime })
}
