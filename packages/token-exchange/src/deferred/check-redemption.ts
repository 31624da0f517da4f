import { isJsonObject, type JsonObject, type Runtime, type TrustDomain, WimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { type AuthenticatedClient, assertAuthenticatedClient, requireConfirmation } from '../client-auth/authenticated-client.ts'
import { narrowScope } from '../protocol/scope.ts'
import { hashOfParameters } from './canonical-json.ts'
import { isUseName } from './deferral.ts'
import { withinLimits } from './parameter-limits.ts'
import { assertVerifiedDeferredGrant, type VerifiedDeferredGrant } from './verify-deferred-grant.ts'

/** Who redeems a grant, with what, and what a rule says of it. */
export interface RedemptionRequest {
  readonly client: AuthenticatedClient
  /** The trust domain of the token service, whose workloads alone redeem. */
  readonly trustDomain: TrustDomain
  /** `request_details` of the request. */
  readonly details: JsonObject | undefined
  readonly scope: readonly string[] | undefined
  /** Scope values that the action may still have. */
  readonly permittedScope: readonly string[]
  /** Names that parameters of the action may have. */
  readonly members: readonly string[]
  readonly runtime?: Runtime
}

/** What is redeemed. */
export interface Redemption {
  /** The name of the use; undefined where the grant has one use. */
  readonly use: string | undefined
  readonly parameters: JsonObject
  readonly scope: readonly string[]
  /** SHA-256 of `jti`, base64url: the name of the grant wherever the grant itself must not be. */
  readonly grantHash: string
  /**
   * `txn` of the work: a hash of the grant's `jti` and the use. Whoever takes the same use over gets the same one, also after every record of
   * the first one was lost, so that what is keyed by it happens once.
   */
  readonly transaction: string
  /** The claim `deferral` of the token that comes of it. */
  readonly claim: JsonObject
}

/**
 * Checks a redemption against its grant. In order: the client proved a key; it is of this trust domain, and the grant's pattern fits it;
 * `request_details` have `parameters`, `use` where the grant has several uses, and nothing else; every parameter is one of the action and none of what goes along; they are those
 * of the grant, by their hash, or within its limits; the scope is a part of the grant's and of what the action may have.
 *
 * Not checked: whether the worker may join the chain of actors (`delegate`), whether the use is taken (a `GrantUseStore` knows), and revocation.
 *
 * @throws WimseError `ERR_EXCHANGE_CLIENT_UNBOUND`, `ERR_EXCHANGE_GRANT_CLIENT`, `ERR_EXCHANGE_GRANT_PARAMETERS`, `ERR_EXCHANGE_PARAMETER_…`,
 *   `ERR_EXCHANGE_SCOPE`, `ERR_OPTIONS_INVALID`
 */
export async function checkRedemption(grant: VerifiedDeferredGrant, request: RedemptionRequest): Promise<Redemption> {
  const { client, trustDomain, members, permittedScope, runtime = defaultRuntime() } = request
  assertVerifiedDeferredGrant(grant)
  assertAuthenticatedClient(client)
  // A grant is handed from one to the next: without a key whoever reads it could redeem it.
  requireConfirmation(client)
  if (client.trustDomain !== trustDomain || !grant.worker.matches(client.identifier)) throw new WimseError('ERR_EXCHANGE_GRANT_CLIENT')
  const { use, parameters } = readDetails(request.details, grant)
  if (!Object.keys(parameters).every((name) => members.includes(name))) throw differ('a member that no rule admits')
  // Rules change: what was carried then must not become a parameter that the worker chooses.
  if (Object.keys(parameters).some((name) => Object.hasOwn(grant.context, name))) throw differ('a member that goes along')
  await checkTerms(parameters, grant, runtime)
  const scope = narrowScope(
    request.scope,
    grant.scope.filter((value) => permittedScope.includes(value)),
  )
  const { crypto } = runtime
  const grantHash = await crypto.digestText('sha-256', grant.jti)
  const transaction = await crypto.digestText('sha-256', JSON.stringify(['wimse-ts-deferred-transaction', grant.jti, use ?? null]))
  const { transaction: txn, requester, action, purpose } = grant
  const claim = {
    txn,
    requester,
    worker: client.identifier,
    grant: grantHash,
    ...(use !== undefined && { use }),
    action,
    ...(purpose !== undefined && { purpose }),
  }
  return { use, parameters, scope, grantHash, transaction, claim }
}

function readDetails(
  details: JsonObject | undefined,
  { uses }: VerifiedDeferredGrant,
): { readonly use: string | undefined; readonly parameters: JsonObject } {
  const { use, parameters, ...others } = details ?? {}
  if (Object.keys(others).length > 0) throw new WimseError('ERR_EXCHANGE_PARAMETER_UNKNOWN', { detail: 'request_details' })
  if (parameters === undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'request_details.parameters' })
  if (!isJsonObject(parameters)) throw malformed('parameters')
  if (uses === 1) {
    if (use !== undefined) throw malformed('use')
    return { use, parameters }
  }
  if (use === undefined) throw new WimseError('ERR_EXCHANGE_PARAMETER_MISSING', { detail: 'request_details.use' })
  if (!isUseName(use)) throw malformed('use')
  return { use, parameters }
}

async function checkTerms(parameters: JsonObject, { terms }: VerifiedDeferredGrant, runtime: Runtime): Promise<void> {
  // Of limited parameters, too, the canonical text has to exist.
  const hash = await hashOfParameters(parameters, runtime)
  const holds = terms.limits === undefined ? hash === terms.parametersHash : withinLimits(parameters, terms.limits)
  if (!holds) throw differ('not those of the grant')
}

function differ(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_GRANT_PARAMETERS', { detail })
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_EXCHANGE_PARAMETER_MALFORMED', { detail: `request_details: ${detail}` })
}
