import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { spireApiError, translateErrors } from './errors.ts'
import { type AuthorityState, LocalAuthority } from './generated/spire/api/server/localauthority/v1/localauthority_pb.ts'

/** Which of the server's signing authorities: X.509 CA, JWT-SVID key or WIT-SVID key. */
export type AuthorityKind = 'x509' | 'jwt' | 'wit'

/** Identifiers: the subject key identifier of an X.509 authority, the `kid` of a JWT or WIT authority. */
export interface AuthorityStates {
  readonly active?: string
  readonly prepared?: string
  readonly old?: string
}

/**
 * The steps of a planned rotation, in their order: `prepare` publishes a new authority in the bundle; once everybody has
 * that bundle, `activate` signs with it; `taint` makes agents replace what the old one signed; `revoke` takes the old one
 * out of the bundle. Each returns the identifier of the authority that it acted on.
 *
 * Methods throw ERR_SPIRE_API_UNIMPLEMENTED (SPIRE 1.15 for `wit`: it replaces that key only when half its lifetime is
 * over), ERR_SPIRE_API_REFUSED (for example: nothing is prepared), ERR_SPIRE_API_UNAVAILABLE or ERR_SPIRE_API_MALFORMED.
 */
export interface AuthorityRotation {
  states(options?: CallOptions): Promise<AuthorityStates>
  prepare(options?: CallOptions): Promise<string>
  activate(authorityId: string, options?: CallOptions): Promise<string>
  taint(authorityId: string, options?: CallOptions): Promise<string>
  revoke(authorityId: string, options?: CallOptions): Promise<string>
}

/** @param transport {@link openAdminSocket}. */
export function authorityRotation(transport: Transport, kind: AuthorityKind): AuthorityRotation {
  const rpc = rpcsOf(createClient(LocalAuthority, transport), kind)
  return {
    states: (options) =>
      translateErrors(async () => {
        const { active, prepared, old } = await rpc.states({}, options)
        return {
          ...(active && { active: active.authorityId }),
          ...(prepared && { prepared: prepared.authorityId }),
          ...(old && { old: old.authorityId }),
        }
      }),
    prepare: (options) => translateErrors(async () => idOf((await rpc.prepare({}, options)).preparedAuthority)),
    activate: (authorityId, options) =>
      translateErrors(async () => idOf((await rpc.activate({ authorityId }, options)).activatedAuthority)),
    taint: (authorityId, options) => translateErrors(async () => idOf((await rpc.taint({ authorityId }, options)).taintedAuthority)),
    revoke: (authorityId, options) => translateErrors(async () => idOf((await rpc.revoke({ authorityId }, options)).revokedAuthority)),
  }
}

function rpcsOf(client: ReturnType<typeof createClient<typeof LocalAuthority>>, kind: AuthorityKind) {
  switch (kind) {
    case 'x509':
      return {
        states: client.getX509AuthorityState,
        prepare: client.prepareX509Authority,
        activate: client.activateX509Authority,
        taint: client.taintX509Authority,
        revoke: client.revokeX509Authority,
      }
    case 'jwt':
      return {
        states: client.getJWTAuthorityState,
        prepare: client.prepareJWTAuthority,
        activate: client.activateJWTAuthority,
        taint: client.taintJWTAuthority,
        revoke: client.revokeJWTAuthority,
      }
    case 'wit':
      return {
        states: client.getWITAuthorityState,
        prepare: client.prepareWITAuthority,
        activate: client.activateWITAuthority,
        taint: client.taintWITAuthority,
        revoke: client.revokeWITAuthority,
      }
  }
}

function idOf(state: AuthorityState | undefined): string {
  if (!state?.authorityId) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server names no authority')
  return state.authorityId
}
