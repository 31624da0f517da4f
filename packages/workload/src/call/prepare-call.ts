import { fieldValues, type RequestView, type Runtime, readBody, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { type SignedRequest, signRequest } from '@wimse/http-signature'
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
  /** Header fields besides Txn-Token whose values the proof binds when the request has them. */
  readonly contextFields?: readonly string[]
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
 * Adds the proof to a request. The body is read whole, since a digest may have to cover it.
 *
 * @throws WimseError `ERR_INSECURE_CHANNEL` for anything but https (WPT-3.1.1-01, CRED-9.5-01), `ERR_OPTIONS_INVALID` when the request has an
 *   Authorization field of its own beside a proof that needs it (WPT-2.2-01), and those of making the proof
 */
export async function prepareCall(request: RequestView, options: PrepareCallOptions): Promise<PreparedCall> {
  const { peer, proof, credentials, runtime, contextFields = [] } = options
  if (request.scheme !== 'https') throw new WimseError('ERR_INSECURE_CHANNEL')
  const body = request.body === null ? null : await readBody(request.body, options.maxBodyBytes)
  const whole: RequestView = { ...request, body }
  const target = options.audience ?? `https://${request.authority}${request.path}`
  switch (proof) {
    case 'mutual-tls':
      return { request: whole, peer, proof }
    case 'jwt-svid': {
      refuseOwnAuthorization(request)
      const { token } = await credentials.jwtSvid(options.audience ?? `https://${request.authority}`)
      return { request: withFields(whole, [['authorization', `Bearer ${token}`]]), peer, proof }
    }
    case 'wpt': {
      refuseOwnAuthorization(request)
      const credential = credentials.wit()
      const authorization = await createWpt({ credential, audience: target, runtime, ...boundTokens(request, contextFields) })
      const fields = [[WIT_FIELD, credential.token] as const, ['authorization', authorization] as const]
      return { request: withFields(whole, fields), peer, proof }
    }
    case 'http-signature':
    case 'http-signature-and-response': {
      const signed = await signRequest(whole, {
        credential: credentials.wit(),
        audience: target,
        boundFields: contextFields,
        signedResponse: proof === 'http-signature' ? 'optional' : 'required',
        runtime,
      })
      return { request: signed.request, peer, proof, signed }
    }
  }
}

function refuseOwnAuthorization({ fields }: RequestView): void {
  if (fieldValues(fields, 'authorization').length > 0)
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'an Authorization field of its own' })
}

function withFields(request: RequestView, added: RequestView['fields']): RequestView {
  return { ...request, fields: [...request.fields, ...added] }
}

/** The tokens that a WPT binds: the transaction token (WPT-2-18) and those of the context fields (WPT-2-20). */
function boundTokens(
  { fields }: RequestView,
  contextFields: readonly string[],
): { readonly transactionToken?: string; readonly contextTokens: Record<string, string> } {
  const contextTokens: Record<string, string> = {}
  for (const name of contextFields) {
    const value = isContextField(name) ? single(fieldValues(fields, name)) : undefined
    if (value !== undefined) contextTokens[name] = value
  }
  const transactionToken = single(fieldValues(fields, TXN_TOKEN_FIELD))
  return { contextTokens, ...(transactionToken !== undefined && { transactionToken }) }
}

function single([value, ...others]: readonly string[]): string | undefined {
  if (others.length > 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'a bound field occurs more than once' })
  return value
}
