import { type FieldLines, fieldValues, WimseError } from '@wimse/core'

/** A message as a broker delivers it, or as it is going to be published: what a proof is bound to. */
export interface MessageView {
  readonly kind: 'message'
  /**
   * Where it goes, as an absolute URI: the name of the broker out of the configuration, then the subject, topic or queue, such as
   * `nats://shop.example/settlement.jobs`. Of a delivered message it is where the broker says that it lay, and never what the message says.
   */
  readonly destination: string
  /** Its headers, repeated ones apart. */
  readonly fields: FieldLines
  readonly payload: Uint8Array
}

/** The header field of the proof, in lower case. The WIT is in `workload-identity-token`, as in HTTP. */
export const MESSAGE_PROOF_FIELD = 'wimse-ts-message-proof'

// RFC 3986 section 4.3, no more than what keeps destinations of different brokers apart.
const DESTINATION = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/
const MAX_DESTINATION_LENGTH = 2048

/** Whether a text can be a destination. */
export function isDestination(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_DESTINATION_LENGTH && DESTINATION.test(text)
}

/**
 * The proof of a message: the value of the one field of that name. Nothing in it has been verified.
 *
 * @throws WimseError `ERR_MESSAGE_PROOF_COUNT`
 */
export function readMessageProofField(fields: FieldLines): string {
  const [value, ...others] = fieldValues(fields, MESSAGE_PROOF_FIELD)
  if (value === undefined || value === '' || others.length > 0) throw new WimseError('ERR_MESSAGE_PROOF_COUNT')
  return value
}
