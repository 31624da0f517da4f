import { fieldValues, isWimseError, type JsonObject, type RequestView, requestViewOfRequest, WimseError } from '@wimse/core'
import { readBearerField } from '@wimse/jwt-svid'
import { type AccessTokenClaims, type IssuerKeys, verifyAccessToken, verifySubjectAccessToken } from '@wimse/token-exchange'
import type { BoundTransactionToken, TransactionTokenVerifier } from '@wimse/transaction-tokens'
import { WIT_FIELD } from '@wimse/wit'
import { type Allow, createAuthorizer } from '@wimse/workload'
import { authenticate, type PeerVariables } from '@wimse/workload/hono'
import { nodeServer, type Workload } from '@wimse/workload/node'
import type { Context, MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import { note, noteCaller, noteRefusal } from './hop-log.ts'
import { problem } from './refusal.ts'

/** Subjects of the users' identity provider are called so in the trust domain; the token service says the same. */
const USER_PREFIX = 'user:'

/** For whom a request is made, by its access token. */
export interface Customer {
  /** The principal of the trust domain, such as `user:ada`. */
  readonly subject: string
  readonly scope: readonly string[]
  /** Who acts for the subject, the one who calls first; empty for the user in person. */
  readonly actors: readonly string[]
  readonly token: string
  /** All of the token's claims. */
  readonly claims: JsonObject
}

/** What handlers find in `c.var`, by the middleware before them. */
export interface ShopVariables {
  readonly Variables: PeerVariables['Variables'] & { readonly customer: Customer | undefined }
}

type Check = MiddlewareHandler<ShopVariables>

/** The checks that come before a handler. Each refuses by itself, and notes who called. */
export interface Callers {
  /** Workloads by WPT or HTTP signature; with `transaction`, one that is verified and bound to that proof: `transactionIn(c)`. */
  workloads(rules: { readonly allow: Allow; readonly transaction?: boolean }): Check
  /**
   * Workloads that act for somebody, with an access token that is bound to the key of their HTTP signature: `customerIn(c)`. With `autonomous`
   * one without a token gets by as well, on its own behalf and no one else's: then there is no customer.
   */
  delegates(rules: { readonly allow: Allow; readonly scope: readonly string[]; readonly autonomous?: boolean }): Check
  /** People, with a bearer token of the identity provider: `customerIn(c)`. */
  users(rules: { readonly scope: readonly string[] }): Check
  /** The check for callers with a WIT, or the other one. */
  either(workloads: Check, users: Check): Check
}

/** What the checks go by. */
export interface CallerRules {
  readonly name: string
  readonly audience: string
  readonly workload: Workload
  readonly verifyTransaction: TransactionTokenVerifier
  /** Of access tokens: the token service for workloads, the identity provider for people. */
  readonly issuers: { readonly tokens: IssuerKeys; readonly users: IssuerKeys }
}

/** Makes the checks of a service. */
export function createCallers({ name, audience, workload, verifyTransaction: verify, issuers }: CallerRules): Callers {
  const workloads: Callers['workloads'] = ({ allow, transaction = false }) => {
    const authorize = createAuthorizer(allow)
    const check: MiddlewareHandler = authenticate(workload, {
      audience,
      allow: async (peer, bound) => {
        noteCaller(peer, bound)
        await authorize(peer, bound)
        return true
      },
      onError: noteRefusal,
      ...(transaction && { transactionTokens: { verify, required: true } }),
      ...nodeServer,
    })
    return check
  }
  const withToken = (read: (token: string, context: Context<ShopVariables>) => Promise<Customer>): Check => {
    return async (context, next) => {
      try {
        const customer = await read(bearerOf(viewOf(context)), context)
        const { subject, scope, actors } = customer
        note({ subject, scope, ...(actors.length > 0 && { actors }) })
        context.set('customer', customer)
      } catch (error) {
        if (!isWimseError(error)) throw error
        noteRefusal(error)
        return problem(error.code, name)
      }
      return next()
    }
  }
  return {
    workloads,
    delegates: ({ allow, scope: requiredScope, autonomous = false }) => {
      const holdsToken = withToken(async (token, { var: { peer } }) => {
        // A WPT fills Authorization, and nothing would bind the token.
        const proof = peer.proofs.find(({ kind }) => kind === 'http-signature')
        if (proof?.kind !== 'http-signature') throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
        const claims = await verifyAccessToken(token, { issuers: issuers.tokens, audience, proof, requiredScope })
        return customerOf(claims, claims.subject, token)
      })
      const byToken: Check = (context, next) => (autonomous && !hasBearer(viewOf(context)) ? next() : holdsToken(context, next))
      return every(workloads({ allow }), byToken)
    },
    users: ({ scope }) =>
      withToken(async (token) => {
        note({ proof: 'bearer' })
        const claims = await verifySubjectAccessToken(token, { issuers: issuers.users, audience }).catch(aboutAccessToken)
        // A token with a key is for its holder, and here nobody has proven one.
        if (claims.claims['cnf'] !== undefined) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_PROOF')
        if (!scope.every((value) => claims.scope.includes(value))) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_SCOPE')
        return customerOf(claims, `${USER_PREFIX}${claims.subject}`, token)
      }),
    either: (byWorkloads, byUsers) => (context, next) =>
      (fieldValues(viewOf(context).fields, WIT_FIELD).length > 0 ? byWorkloads : byUsers)(context, next),
  }
}

/** The transaction of a request, where the check requires one. @throws WimseError `ERR_TXN_TOKEN_MISSING` */
export function transactionIn({ var: { transaction } }: Context<ShopVariables>): BoundTransactionToken {
  if (transaction === undefined) throw new WimseError('ERR_TXN_TOKEN_MISSING')
  return transaction
}

/** For whom a request is made, where the check requires that. @throws WimseError `ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED` */
export function customerIn({ var: { customer } }: Context<ShopVariables>): Customer {
  if (customer === undefined) throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED', { detail: 'missing' })
  return customer
}

function customerOf({ scope, actors, claims }: AccessTokenClaims, subject: string, token: string): Customer {
  return { subject, scope, actors: actors.map(({ sub }) => sub), token, claims }
}

/** Header fields as they came: repeated ones apart. */
function viewOf(context: Context): RequestView {
  return nodeServer.rawRequest(context.env) ?? requestViewOfRequest(context.req.raw)
}

function hasBearer({ fields }: RequestView): boolean {
  return fieldValues(fields, 'authorization').some((value) => /^bearer\b/i.test(value))
}

function bearerOf({ fields }: RequestView): string {
  try {
    return readBearerField(fields)
  } catch (error) {
    if (!isWimseError(error)) throw error
    throw new WimseError('ERR_EXCHANGE_ACCESS_TOKEN_MALFORMED', { detail: error.code })
  }
}

/** The token is this service's own matter here, not the subject of an exchange. */
function aboutAccessToken(error: unknown): never {
  throw isWimseError(error, 'ERR_EXCHANGE_SUBJECT_TOKEN') && isWimseError(error.cause) ? error.cause : error
}
