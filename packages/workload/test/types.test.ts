import type { RequestView, Runtime, WorkloadIdentifier } from '@wimse/core'
import type { verifyRequest } from '@wimse/http-signature'
import type { BoundTransactionToken, VerifiedTransactionToken } from '@wimse/transaction-tokens'
import type { VerifiedWit } from '@wimse/wit'
import type { verifyWpt } from '@wimse/wpt'
import { describe, expectTypeOf, it } from 'vitest'
import type { PeerVariables } from '../src/hono.ts'
import type {
  Allow,
  AuthenticatedPeer,
  AuthenticatedRequest,
  AuthenticateRequestOptions,
  Authenticator,
  AuthenticatorOptions,
  Authorizer,
  authenticateRequest,
  ConnectionPeer,
  RecipientOptions,
  VerifiedProof,
} from '../src/index.ts'
import type { CallInit, PeerHandler, Workload } from '../src/node.ts'

/** What someone could write down without a verifier. */
type Forged = Pick<AuthenticatedPeer, 'identifier' | 'trustDomain' | 'proofs' | 'claims' | 'connection'>

describe('the way from a message to a decision', () => {
  it('ID-7.2-01: a decision takes nothing but an authenticated peer', () => {
    expectTypeOf<Authorizer>().parameter(0).toEqualTypeOf<AuthenticatedPeer>()
    expectTypeOf<PeerHandler>().parameter(1).toEqualTypeOf<AuthenticatedPeer>()
    expectTypeOf<PeerVariables['Variables']['peer']>().toEqualTypeOf<AuthenticatedPeer>()
  })

  it('TXN-12.2-01 TXN-13.12-01: a decision by context takes nothing but a transaction that is bound to its caller', () => {
    expectTypeOf<AuthenticatedRequest['transaction']>().toEqualTypeOf<BoundTransactionToken | undefined>()
    expectTypeOf<Parameters<Authorizer>[1]>().toEqualTypeOf<BoundTransactionToken | undefined>()
    expectTypeOf<Extract<Allow, (...known: never[]) => unknown>>().parameter(1).toEqualTypeOf<BoundTransactionToken | undefined>()
    expectTypeOf<PeerHandler>().parameter(2).toEqualTypeOf<BoundTransactionToken | undefined>()
    expectTypeOf<PeerVariables['Variables']['transaction']>().toEqualTypeOf<BoundTransactionToken | undefined>()
    expectTypeOf<CallInit['transaction']>().toEqualTypeOf<BoundTransactionToken | VerifiedTransactionToken | undefined>()
    expectTypeOf<VerifiedTransactionToken>().not.toExtend<BoundTransactionToken>()
    expectTypeOf<keyof AuthenticateRequestOptions & 'transactionTokens'>().toBeNever()
    expectTypeOf<Workload['fetch']>().toExtend<Runtime['fetch']>()
  })

  it('CRED-7-03: an authenticated peer comes from an authenticator, and from nothing that one could write', () => {
    expectTypeOf<Authenticator['authenticate']>().returns.resolves.toEqualTypeOf<AuthenticatedRequest>()
    expectTypeOf<typeof authenticateRequest>().returns.resolves.toEqualTypeOf<AuthenticatedPeer>()
    expectTypeOf<Forged>().not.toExtend<AuthenticatedPeer>()
    expectTypeOf<ConnectionPeer>().not.toExtend<AuthenticatedPeer>()
    expectTypeOf<VerifiedProof>().not.toExtend<AuthenticatedPeer>()
    expectTypeOf<WorkloadIdentifier>().not.toExtend<AuthenticatedPeer>()
  })

  it('WPT-2-27 SIG-3-42: a proof takes nothing but a verified WIT, and a WIT is no peer', () => {
    expectTypeOf<Parameters<typeof verifyWpt>[1]['wit']>().toEqualTypeOf<VerifiedWit>()
    expectTypeOf<Parameters<typeof verifyRequest>[1]['wit']>().toEqualTypeOf<VerifiedWit>()
    expectTypeOf<string>().not.toExtend<VerifiedWit>()
    expectTypeOf<VerifiedWit>().not.toExtend<AuthenticatedPeer>()
  })

  it('what an authenticator looks at is the message and its connection, and never an audience of theirs', () => {
    expectTypeOf<Authenticator['authenticate']>().parameter(0).toEqualTypeOf<RequestView>()
    expectTypeOf<Authenticator['authenticate']>().parameter(1).toEqualTypeOf<ConnectionPeer | undefined>()
  })

  it('what decides security has to be said', () => {
    expectTypeOf<{ readonly trust: AuthenticatorOptions['trust'] }>().not.toExtend<AuthenticatorOptions>()
    expectTypeOf<Omit<AuthenticatorOptions, 'audience'>>().not.toExtend<AuthenticatorOptions>()
    expectTypeOf<Omit<AuthenticatorOptions, 'replay'>>().not.toExtend<AuthenticateRequestOptions>()
    expectTypeOf<Omit<RecipientOptions, 'audience'>>().not.toExtend<RecipientOptions>()
    expectTypeOf<keyof AuthenticateRequestOptions>().not.toEqualTypeOf<keyof AuthenticatorOptions>()
  })
})
