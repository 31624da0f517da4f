import { fieldValues, type RequestView, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { type SignedRequest, signRequest } from '@wimse/http-signature'
import { type CarriedTransaction, viewWithTransactionToken } from '@wimse/transaction-tokens'
import { WIT_FIELD, type WitCredential } from '@wimse/wit'
import { createWpt, isContextField, TXN_TOKEN_FIELD } from '@wimse/wpt'
import type { ProofChoice } from './proof-choice.ts'

/** What proofs are made of. */
export interface CallCredentials {
  /** @throws WimseError when there is none that is live */
  wit(): WitCredential
  jwtSvid(audience: string): Promise<{ readonly token: string }>
}

/** Options of {@link prepareCall}. */
export interface PrepareCallOptions {
  readonly peer: WorkloadIdentifier
  readonly proof: ProofChoice
  readonly credentials: CallCredentials
  /** Whom the proof is for; the target URI without its query unless told. For a JWT-SVID the origin. */
  readonly audience?: string
  /** The transaction that the call belongs to. It goes along unmodified, and the proof binds it. */
  readonly transaction?: CarriedTransaction | undefined
  /** Header fields besides Txn-Token whose values the proof binds when the request has them. */
  readonly contextFields?: readonly string[]
  /** Octets of a body that a signature covers: 1 MiB unless told. */
  readonly maxBodyBytes?: number
  readonly runtime: Runtime
}

/** A request with its proof, as it is to be sent, and what the check of its response needs. */
export interface PreparedCall {
  readonly request: RequestView
  readonly peer: WorkloadIdentifier
  readonly proof: ProofChoice
  readonly signed?: SignedRequest
}

/**
 * Adds the proof to a request, and before that the token of its transaction, which the proof then binds (TXN-12-01, WPT-2-18, SIG-3-11). A
 * proof that binds nothing carries no transaction. A body that is a stream is read whole for a signature, whose digest covers it, and left alone otherwise.
 *
 * @throws WimseError `ERR_INSECURE_CHANNEL` for anything but https (WPT-3.1.1-01, CRED-9.5-01), `ERR_OPTIONS_INVALID` for a wrong name among
 *   `contextFields`, a bound field that occurs twice, or when the request has an Authorization field of its own beside a proof that needs
 *   it (WPT-2.2-01, WPT-2.2-02, WPT-2.2-03) or a WIT beside a WPT, `ERR_TXN_NOT_BOUND` for a transaction beside mutual TLS or a JWT-SVID, those of
 *   `withTransactionToken`, and those of making the proof
 */
export async function prepareCall(given: RequestView, options: PrepareCallOptions): Promise<PreparedCall> {
  const { peer, proof, credentials, runtime } = options
  if (given.scheme !== 'https') throw new WimseError('ERR_INSECURE_CHANNEL')
  const request = withTransaction(given, options)
  const contextFields = readContextFields(options.contextFields)
  const target = options.audience ?? `https://${request.authority}${request.path}`
  switch (proof) {
    case 'mutual-tls':
      return { request, peer, proof }
    case 'jwt-svid': {
      refuseOwn('authorization', request)
      const { token } = await credentials.jwtSvid(options.audience ?? `https://${request.authority}`)
      return { request: withFields(request, [['authorization', `Bearer ${token}`]]), peer, proof }
    }
    case 'wpt': {
      refuseOwn('authorization', request)
      refuseOwn(WIT_FIELD, request)
      const credential = credentials.wit()
      const authorization = await createWpt({ credential, audience: target, runtime, ...boundTokens(request, contextFields) })
      const fields = [[WIT_FIELD, credential.token] as const, ['authorization', authorization] as const]
      return { request: withFields(request, fields), peer, proof }
    }
    case 'http-signature':
    case 'http-signature-and-response': {
      const signed = await signRequest(request, {
        credential: credentials.wit(),
        audience: target,
        boundFields: contextFields,
        signedResponse: proof === 'http-signature' ? 'optional' : 'required',
        runtime,
        ...(options.maxBodyBytes !== undefined && { maxBodyBytes: options.maxBodyBytes }),
      })
      return { request: signed.request, peer, proof, signed }
    }
  }
}

/**
 * The names of context fields in lower case, as proofs have them.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for one that can't be bound: it would go out unbound and unnoticed
 */
export function readContextFields(names: readonly string[] = []): readonly string[] {
  const lower = names.map((name) => name.toLowerCase())
  if (!lower.every(isContextField)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'contextFields' })
  return lower
}

function withTransaction(request: RequestView, { transaction, peer, proof }: PrepareCallOptions): RequestView {
  if (transaction === undefined) return request
  // TXN-13.12-01: its recipient takes it from nobody who doesn't vouch for it.
  if (proof === 'mutual-tls' || proof === 'jwt-svid') throw new WimseError('ERR_TXN_NOT_BOUND')
  return viewWithTransactionToken(request, transaction, { peer })
}

function refuseOwn(field: string, { fields }: RequestView): void {
  if (fieldValues(fields, field).length > 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: `a ${field} field of its own` })
}

function withFields(request: RequestView, added: RequestView['fields']): RequestView {
  return { ...request, fields: [...request.fields, ...added] }
}

/** The tokens that a WPT binds: the transaction token (WPT-2-18, WPT-2.2-05) and those of the context fields (WPT-2-20). */
function boundTokens(
  { fields }: RequestView,
  contextFields: readonly string[],
): { readonly transactionToken?: string; readonly contextTokens: Record<string, string> } {
  const contextTokens: Record<string, string> = {}
  for (const name of contextFields) {
    const value = single(fieldValues(fields, name))
    if (value !== undefined) contextTokens[name] = value
  }
  const transactionToken = single(fieldValues(fields, TXN_TOKEN_FIELD))
  return { contextTokens, ...(transactionToken !== undefined && { transactionToken }) }
}

function single([value, ...others]: readonly string[]): string | undefined {
  if (others.length > 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a bound field occurs more than once' })
  return value
}
