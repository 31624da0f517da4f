import { type FieldLines, isWimseError, type MaybePromise, type RequestView, type ResponseView, responseViewOfResponse } from '@wimse/core'
import type { BoundTransactionToken } from '@wimse/transaction-tokens'
import type { AuthenticatedPeer, AuthenticatedRequest, ConnectionPeer } from './authenticated-peer.ts'
import type { Authorizer } from './authorize.ts'
import type { Authenticator } from './create-authenticator.ts'

/** How a server answers requests. */
export interface AnswerRules {
  readonly authenticator: Authenticator
  readonly authorize: Authorizer
  /** Is told of every refusal and failure. */
  readonly onError: ((error: unknown) => void) | undefined
}

/** One request of a server. */
export interface ServedRequest {
  view(): RequestView
  connectionPeer(): MaybePromise<ConnectionPeer | undefined>
  handle(request: RequestView, peer: AuthenticatedPeer, transaction: BoundTransactionToken | undefined): MaybePromise<ResponseView>
}

/**
 * The way of a request through a server: connection, authentication, authorization, handler, signature of the response. What is refused once
 * its caller is known is an answer to a known caller and signed as any other (SIG-3.5-02). Never rejects, and never answers a failure of
 * the handler with a code: that a call of its own was refused is nothing about its caller.
 */
export async function answerRequest(served: ServedRequest, rules: AnswerRules): Promise<ResponseView> {
  const { authenticator, authorize } = rules
  const refuse = (error: unknown): ResponseView => {
    report(rules, error)
    return responseViewOfResponse(isWimseError(error) ? authenticator.refuse(error) : failure())
  }
  let connection: ConnectionPeer | undefined
  try {
    connection = await served.connectionPeer()
  } catch (error) {
    // A connection whose peer isn't trusted any more ends with this answer.
    const refused = refuse(error)
    return { ...refused, fields: [...refused.fields, ...CLOSE] }
  }
  let known: AuthenticatedRequest
  try {
    known = await authenticator.authenticate(served.view(), connection)
  } catch (error) {
    return authenticator.finishRefusal(error, refuse(error)).catch(refuse)
  }
  const response = await authorize(known.peer, known.transaction).then(() => handled(served, known, rules), refuse)
  return known.finish(response).catch((error: unknown) => {
    if (response.body instanceof ReadableStream && !response.body.locked) void response.body.cancel().catch(() => undefined)
    return refuse(error)
  })
}

const CLOSE: FieldLines = [['connection', 'close']]

async function handled(
  served: ServedRequest,
  { request, peer, transaction }: AuthenticatedRequest,
  rules: AnswerRules,
): Promise<ResponseView> {
  try {
    return await served.handle(request, peer, transaction)
  } catch (error) {
    report(rules, error)
    return responseViewOfResponse(failure())
  }
}

function failure(): Response {
  return new Response(null, { status: 500, headers: { 'cache-control': 'no-store' } })
}

function report({ onError }: AnswerRules, error: unknown): void {
  try {
    onError?.(error)
  } catch {
    // A log that fails must not keep a request without its answer.
  }
}
