export { type Audience, type AudienceCheck, createAudienceCheck } from './audience.ts'
export { type BoundedMap, createBoundedMap } from './bounded-map.ts'
export { formatBase64url, parseBase64url } from './encoding/base64url.ts'
export { concatOctets, sameOctets, utf8 } from './encoding/octets.ts'
export { scopeTextOf, scopeValuesOf } from './encoding/scope.ts'
export {
  DEFAULT_JSON_MAX_BYTES,
  DEFAULT_JSON_MAX_DEPTH,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseBase64urlJsonObject,
  parseStrictJson,
  parseStrictJsonObject,
  type StrictJsonLimits,
} from './encoding/strict-json.ts'
export { type ErrorAnswer, errorAnswer, errorResponse, PROBLEM_TYPE_PREFIX, type ProblemDetails } from './errors/error-answer.ts'
export type { ChallengeRule, ErrorRow } from './errors/error-row.ts'
export { type ErrorCode, errorTable } from './errors/error-table.ts'
export { isWimseError, recode, WimseError, type WimseErrorOptions, withCode } from './errors/wimse-error.ts'
export { type IdentifierPattern, matchesAny, parseIdentifierPattern } from './identifier/identifier-pattern.ts'
export { originOf, parseOrigin, type WorkloadIdentifierOrigin } from './identifier/origin.ts'
export { createPeerLookup, type PeerLookup, type PeerMapping } from './identifier/peer-mapping.ts'
export { MAX_TRUST_DOMAIN_BYTES, parseTrustDomain, type TrustDomain, type TrustDomainOptions } from './identifier/trust-domain.ts'
export {
  type IdentifierScheme,
  MAX_IDENTIFIER_BYTES,
  parseTrustDomainIdentifier,
  parseWorkloadIdentifier,
  schemeOf,
  trustDomainOf,
  type WorkloadIdentifier,
  type WorkloadIdentifierOptions,
} from './identifier/workload-identifier.ts'
export { type FieldLines, fieldLinesOfHeaders, fieldLinesOfRawHeaders, fieldValues, trimFieldValue } from './message/field-lines.ts'
export {
  type MessageBody,
  type RequestParts,
  type RequestView,
  type ResponseView,
  requestViewOfParts,
  requestViewOfRequest,
  responseViewOfResponse,
} from './message/message-view.ts'
export { DEFAULT_MAX_BODY_BYTES, readBody } from './message/read-body.ts'
export {
  type DeliveryEntry,
  type DeliveryKind,
  type DeliveryStore,
  type InMemoryDeliveryStore,
  inMemoryDeliveryStore,
} from './replay/delivery-store.ts'
export type { StoreCapacity } from './replay/expiring-entries.ts'
export { type InMemoryReplayStore, type InMemoryReplayStoreOptions, inMemoryReplayStore } from './replay/in-memory-replay-store.ts'
export type { ReplayEntry, ReplayStore } from './replay/replay-store.ts'
export type { CryptoEngine, DigestAlgorithm, EngineKey, MaybePromise, Runtime } from './runtime.ts'
