import { badRequest, type ErrorRow, unavailable, upstream } from './error-row.ts'

/** Proofs on messages of brokers, and the brokers themselves. No draft is behind them yet, so the requirement is our own rule. */
export const messageErrors = {
  ERR_MESSAGE_PROOF_COUNT: badRequest(['message_proof_count', 'WIMSE', 'There is not exactly one proof in the message.']),
  ERR_MESSAGE_PROOF_MALFORMED: badRequest(['message_proof_malformed', 'WIMSE', 'The proof of the message is malformed.']),
  ERR_MESSAGE_PROOF_TYP: badRequest(['message_proof_typ_mismatch', 'WIMSE', 'The proof of the message has another type.']),
  ERR_MESSAGE_PROOF_ALG: badRequest(['message_proof_alg_not_allowed', 'WIMSE', 'The algorithm of the proof is not accepted.']),
  ERR_MESSAGE_PROOF_ALG_MISMATCH: badRequest([
    'message_proof_alg_mismatch',
    'WIMSE',
    'The proof is not signed with the algorithm of the bound key.',
  ]),
  ERR_MESSAGE_PROOF_SIGNATURE: badRequest(['message_proof_signature_invalid', 'WIMSE', 'The proof is not signed by the bound key.']),
  ERR_MESSAGE_PROOF_CLAIM: badRequest(['message_proof_malformed', 'WIMSE', 'A claim of the proof is missing or malformed.']),
  ERR_MESSAGE_PROOF_DESTINATION: badRequest([
    'message_proof_destination_mismatch',
    'WIMSE',
    'The message was sent to another destination.',
  ]),
  ERR_MESSAGE_PROOF_EXPIRED: badRequest(['message_proof_expired', 'WIMSE', 'The proof of the message has expired.']),
  ERR_MESSAGE_PROOF_NOT_YET_VALID: badRequest(['message_proof_in_future', 'WIMSE', 'The proof of the message comes from the future.']),
  ERR_MESSAGE_PROOF_LIFETIME: badRequest(['message_proof_exp_too_far', 'WIMSE', 'The proof of the message lives too long.']),
  ERR_MESSAGE_PROOF_TAKEN_AT: badRequest(['message_taken_at_invalid', 'WIMSE', 'It is not known when the message was taken.']),
  ERR_MESSAGE_PROOF_TOO_OLD: badRequest(['message_too_old', 'WIMSE', 'The message was taken too long ago.']),
  ERR_MESSAGE_PROOF_WTH: badRequest(['wit_hash_mismatch', 'WIMSE', 'The proof is bound to another workload identity token.']),
  ERR_MESSAGE_PROOF_TTH_MISSING: badRequest(['txn_token_hash_missing', 'WIMSE', 'The transaction token is not bound by the proof.']),
  ERR_MESSAGE_PROOF_TTH: badRequest(['txn_token_hash_mismatch', 'WIMSE', 'The proof is bound to another transaction token.']),
  ERR_MESSAGE_PROOF_PAYLOAD: badRequest(['message_payload_mismatch', 'WIMSE', 'The payload does not fit the proof.']),
  ERR_MESSAGE_PROOF_CONTENT_TYPE: badRequest(['message_content_type_mismatch', 'WIMSE', 'The content type does not fit the proof.']),
  ERR_MESSAGE_PROOF_FIELD_MISSING: badRequest(['message_field_not_bound', 'WIMSE', 'A header field is not bound by the proof.']),
  ERR_MESSAGE_PROOF_FIELD: badRequest(['message_field_mismatch', 'WIMSE', 'A header field does not fit the proof.']),
  ERR_MESSAGE_PROOF_FIELD_UNKNOWN: badRequest(['message_field_unknown', 'WIMSE', 'The proof binds a header field that is not understood.']),
  ERR_MESSAGE_PROOF_FIELD_REPEATED: badRequest(['message_field_repeated', 'WIMSE', 'A bound header field occurs more than once.']),
  ERR_MESSAGE_PROOF_REPLAYED: badRequest(['message_replayed', 'WIMSE', 'The proof came with another message before.']),

  ERR_MESSAGE_BROKER_REFUSED: upstream(['broker_refused', 'WIMSE', 'The message broker refused the request.']),
  ERR_MESSAGE_BROKER_UNAVAILABLE: unavailable(['broker_unavailable', 'WIMSE', 'The message broker can not be reached.']),
} as const satisfies Record<`ERR_${string}`, ErrorRow>
