export { binaryCloudEvent, type CloudEvent, cloudEventFields, cloudEventOf, structuredCloudEvent } from './cloud-events.ts'
export {
  type CreateMessageProofOptions,
  createMessageProof,
  DEFAULT_MESSAGE_PROOF_LIFETIME_SECONDS,
  MAX_MESSAGE_PROOF_LIFETIME_SECONDS,
  MESSAGE_PROOF_TYP,
} from './create-message-proof.ts'
export { type HeaderMap, type HeaderMapMessage, headerMapOf, messageOfHeaderMap } from './header-map.ts'
export { type BrokerTime, DEFAULT_MESSAGE_PROOF_MAX_LIFETIME_SECONDS, type MessageVerifierOptions } from './message-verifier-options.ts'
export { MESSAGE_PROOF_FIELD, type MessageView, readMessageProofField } from './message-view.ts'
export { createMessageVerifier, type MessageDelivery, type MessageVerifier, type VerifiedMessage } from './verify-message.ts'
