/** Grant types of the token endpoint. */
export const GRANT_TYPES = {
  /** RFC 8693 (TEX-2.1-04). */
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  /** RFC 7523: an assertion of another domain's authorization server is redeemed (CHN-2.4.1-01). */
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const

/** Token types: always URIs (TEX-3-01). Others may be used beside these (TEX-3-02). */
export const TOKEN_TYPES = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  refreshToken: 'urn:ietf:params:oauth:token-type:refresh_token',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  transactionToken: 'urn:ietf:params:oauth:token-type:txn_token',
  selfSigned: 'urn:ietf:params:oauth:token-type:self_signed',
  unsignedJson: 'urn:ietf:params:oauth:token-type:unsigned_json',
  /** Our own, of no specification (decision 0022): authority for work that is done later. */
  deferredGrant: 'urn:wimse-ts:token-type:deferred-grant',
} as const

/** The `client_assertion_type` of a JWT-SVID (SCA-3.1-04). */
export const JWT_SPIFFE_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

/** Header fields of client attestation, in lower case (ATT-4-07, ATT-5.1-08, ATT-6.2-01). */
export const ATTESTATION_FIELDS = {
  attestation: 'oauth-client-attestation',
  proof: 'oauth-client-attestation-pop',
  challenge: 'oauth-client-attestation-challenge',
} as const

/**
 * Our own member of an error response (decision 0022): the code of the error table, for requests about deferred grants. A worker has to tell a use that
 * somebody holds from one that is finished, and `error` is `invalid_grant` for both.
 */
export const ERROR_CODE_MEMBER = 'wimse_ts_code'

/** Octets of a request to the token endpoint that are read unless told otherwise. */
export const DEFAULT_MAX_REQUEST_BYTES = 65_536
/** Octets of a response of the token endpoint, or of metadata, that are read unless told otherwise. */
export const DEFAULT_MAX_RESPONSE_BYTES = 65_536
