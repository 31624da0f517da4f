import { badRequest, bearer, type ErrorRow, forbidden, local, tooLarge, unavailable } from './error-row.ts'

/** Identifiers, encodings, messages, replay, policy: what every package shares. */
export const generalErrors = {
  ERR_OPTIONS_INVALID: local(['options_invalid', 'WIMSE', 'The service is not configured correctly.']),
  ERR_IDENTIFIER_MALFORMED: badRequest(['identifier_malformed', 'ID-4.4-01', 'The workload identifier is malformed.']),
  ERR_IDENTIFIER_NOT_CANONICAL: badRequest(['identifier_not_canonical', 'ID-4.1-14', 'The workload identifier is not canonical.']),
  ERR_IDENTIFIER_TOO_LONG: badRequest(['identifier_too_long', 'ID-4.1-09', 'The workload identifier is too long.']),
  ERR_IDENTIFIER_NO_PATH: badRequest(['path_empty', 'ID-4-01', 'The identifier names a trust domain and no workload.']),
  ERR_IDENTIFIER_COMPONENT: badRequest(['identifier_has_component', 'ID-7.1-02', 'The workload identifier has a forbidden component.']),
  ERR_IDENTIFIER_UNMAPPED: local(['identifier_unmapped', 'ID-5-03', 'No workload identifier is configured for that address.']),
  ERR_IDENTIFIER_PATTERN: local(['identifier_pattern_invalid', 'ID-7.6-01', 'The identifier pattern is not valid.']),
  ERR_TRUST_DOMAIN_MALFORMED: badRequest(['trust_domain_syntax', 'ID-4.4-04', 'The trust domain is malformed.']),
  ERR_TRUST_DOMAIN_IP: badRequest(['trust_domain_is_ip_address', 'ID-4.3-02', 'The trust domain is an IP address.']),
  ERR_ENCODING_BASE64URL: badRequest(['base64url_malformed', 'BCP-3.14-01', 'A value is not strict base64url.']),
  ERR_ENCODING_JSON: badRequest(['json_malformed', 'BCP-3.14-01', 'A value is not strict JSON.']),
  ERR_ENCODING_TOO_LARGE: tooLarge(['too_large', 'ID-7.1-08', 'A value is larger than this service accepts.']),
  ERR_MESSAGE_MALFORMED: badRequest(['message_malformed', 'HMS-2.1-01', 'The HTTP message is malformed.']),
  ERR_MESSAGE_BODY_TOO_LARGE: tooLarge(['body_too_large', 'DIG-2-02', 'The body is larger than this service accepts.']),
  ERR_REPLAY_STORE_FULL: unavailable(['replay_store_full', 'WPT-2-38', 'The service can not remember more at the moment.']),
  ERR_REPLAY_STORE_UNAVAILABLE: unavailable(['replay_store_unavailable', 'WPT-2-38', 'The service can not reach what it remembers.']),
  ERR_INSECURE_CHANNEL: local(['insecure_channel', 'WPT-3.1.1-01', 'The channel is not secure.']),
  ERR_POLICY_DENIED: forbidden(['workload_identity_mismatch', 'ID-4.3-03', 'This workload is not allowed to do that.']),
  ERR_POLICY_BEARER: bearer(['bearer_not_allowed', 'WPT-2.2-04', 'A bearer credential is not accepted here.']),
} as const satisfies Record<`ERR_${string}`, ErrorRow>
