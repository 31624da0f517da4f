import {
  errorAnswer,
  isWimseError,
  matchesAny,
  parseIdentifierPattern,
  type RequestView,
  type ResponseView,
  type Runtime,
  readBody,
  utf8,
  WimseError,
  type WorkloadIdentifier,
} from '@wimse/core'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { describeFailure, type OperatorLog } from '@wimse/program'
import { authenticateCaller, type CallerRules } from '../token/authenticate-caller.ts'
import { parseRevocationKey, readOperatorRevocation } from './read-revocation.ts'
import { keyOf, type RevocationStore } from './revocation.ts'

export const REVOCATIONS_PATH = '/revocations'

/** What the endpoint of operators is made of. */
export interface OperatorEndpointOptions {
  readonly store: RevocationStore
  /** Who may stop things, and let them go on: identifiers or patterns. */
  readonly operators: readonly string[]
  /** Who may read the list, beside them. */
  readonly readers: readonly string[]
  /** How long revocations stand that don't say it; see `readOperatorRevocation`. */
  readonly longestSeconds: number
  readonly caller: CallerRules
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/** Answers one request; `rest` is what follows {@link REVOCATIONS_PATH} in its path. Never rejects. */
export type OperatorEndpoint = (view: RequestView, peer: () => Promise<VerifiedPeer | undefined>, rest: string) => Promise<ResponseView>

const MAX_BODY_BYTES = 32_768

/**
 * Makes the endpoint at which operators stop subjects, workloads, transactions and tokens, and receivers read what is stopped: `POST` records, `GET`
 * lists `{ kind, hash, until }`, `DELETE` of `/<kind>/<hash>` withdraws. In order: the proof of the request or the certificate of its connection, without
 * which nobody is anybody; the pattern that the caller has to match; that it isn't stopped itself; the request. What a list tells is hashes.
 *
 * Every request but `GET` leaves one event: `revocation.recorded`, `revocation.withdrawn` or `revocation.refused`.
 */
export function createOperatorEndpoint(options: OperatorEndpointOptions): OperatorEndpoint {
  const { store, caller, runtime, log } = options
  const operators = options.operators.map(parseIdentifierPattern)
  const readers = [...operators, ...options.readers.map(parseIdentifierPattern)]
  const seconds = (): number => runtime.now() / 1000

  const identify = async (view: RequestView, peer: VerifiedPeer | undefined): Promise<Identified> => {
    const { request, ...found } = await authenticateCaller(view, peer, caller)
    const identifier = (found.peer ?? found.connection)?.identifier
    if (identifier === undefined) throw new WimseError('ERR_PROOF_MISSING')
    return { request, identifier }
  }
  const admit = async (identifier: WorkloadIdentifier, method: string): Promise<void> => {
    if (!matchesAny(method === 'GET' ? readers : operators, identifier)) throw new WimseError('ERR_POLICY_DENIED')
    const own = await keyOf({ kind: 'workload', value: identifier }, runtime)
    // One that was stopped could let itself go on.
    if ((await store.find([own], seconds())) !== undefined) throw new WimseError('ERR_POLICY_DENIED', { detail: 'stopped' })
  }
  const act = async ({ request, identifier }: Identified, rest: string): Promise<ResponseView> => {
    if (request.method === 'GET') return json(200, { revocations: await store.list(seconds()) })
    if (request.method === 'DELETE') {
      const [, kind, hash, ...more] = rest.split('/')
      if (more.length > 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: 'path' })
      const key = parseRevocationKey(kind, hash)
      const withdrawn = await store.withdraw(key)
      log.event('revocation.withdrawn', { ...key, operator: identifier, stood: withdrawn })
      return json(withdrawn ? 200 : 404, {})
    }
    const { revocation, reason } = await readOperatorRevocation(
      await readBody(request.body, MAX_BODY_BYTES),
      runtime,
      options.longestSeconds,
    )
    await store.record(revocation, seconds())
    log.event('revocation.recorded', { ...revocation, reason, operator: identifier })
    return json(200, { ...revocation })
  }

  return async (view, peer, rest) => {
    const allowed = rest === '' ? ['GET', 'POST'] : ['DELETE']
    if (!allowed.includes(view.method)) return { ...json(405, {}), fields: [...FIELDS, ['allow', allowed.join(', ')]] }
    let identifier: WorkloadIdentifier | undefined
    try {
      const identified = await identify(view, await peer())
      identifier = identified.identifier
      await admit(identifier, view.method)
      return await act(identified, rest)
    } catch (error) {
      const code = isWimseError(error) ? error.code : 'ERR_OPTIONS_INVALID'
      log.event('revocation.refused', { ...describeFailure(error), operator: identifier })
      const { status, headers, problem } = errorAnswer(code, { takesWpt: caller.authenticator !== undefined })
      return { kind: 'response', status, fields: headers, body: utf8(JSON.stringify(problem)) }
    }
  }
}

interface Identified {
  readonly request: RequestView
  readonly identifier: WorkloadIdentifier
}

const FIELDS: ResponseView['fields'] = [
  ['content-type', 'application/json'],
  ['cache-control', 'no-store'],
]

function json(status: number, body: object): ResponseView {
  return { kind: 'response', status, fields: FIELDS, body: utf8(JSON.stringify(body)) }
}
