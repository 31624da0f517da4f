/** The `typ` that is written. */
export const TRANSACTION_TOKEN_TYPE = 'txntoken+jwt'

/** Whether a `typ` is that of a transaction token (TXN-9.1-02): a media type, in any case, `application/` left out or not (RFC 7515 section 4.1.9). */
export function isTransactionTokenType(typ: unknown): boolean {
  return typ === TRANSACTION_TOKEN_TYPE || (typeof typ === 'string' && /^(?:application\/)?txntoken\+jwt$/i.test(typ))
}
