import type { JsonObject } from '@bufbuild/protobuf'
import { concatOctets, isWimseError, utf8 } from '@wimse/core'
import { verifyJwtSvid } from '@wimse/jwt-svid'
import type { KeyAuthority } from '@wimse/trust'
import type { TestAuthority } from '../authority/create-test-authority.ts'
import { trustAuthorities } from '../authority/trust-authorities.ts'
import { NO_ANSWERS, type WorkloadApiAnswers } from './answers.ts'
import type { IssuedIdentity } from './issued-identity.ts'

/** What a Workload API answers to a workload that has these identities; `PermissionDenied` to everything when it has none. */
export function answersOfAuthority(
  authority: TestAuthority,
  federated: readonly TestAuthority[],
  issued: readonly IssuedIdentity[],
): WorkloadApiAnswers {
  if (issued.length === 0) return NO_ANSWERS
  const all = [authority, ...federated]
  return {
    fetchX509SVID: {
      svids: issued.map(({ identity, x509 }) => ({
        spiffeId: identity.identifier,
        x509Svid: concatOctets(x509.chain),
        x509SvidKey: x509.privateKey,
        bundle: rootsOf(authority),
        hint: identity.hint ?? '',
      })),
      federatedBundles: bundles(federated, rootsOf),
    },
    fetchX509Bundles: { bundles: bundles(all, rootsOf) },
    fetchJWTBundles: { bundles: bundles(all, (each) => utf8(jwkSet(each.contents().jwtAuthorities))) },
    fetchWITBundles: { bundles: bundles(all, (each) => jwkSet(each.contents().witAuthorities)) },
    fetchWITSVID: {
      svids: issued.map(({ identity, wit }) => ({
        spiffeId: identity.identifier,
        witSvid: wit.credential.token,
        witSvidKey: JSON.stringify(wit.privateJwk),
        hint: identity.hint ?? '',
      })),
    },
    async fetchJWTSVID({ audience, spiffeId }) {
      // WLAPI-4.5-01, WLAPI-6.2.1-08
      if (audience.length === 0) return 'InvalidArgument'
      const asked = issued.filter(({ identity }) => spiffeId === '' || identity.identifier === spiffeId)
      if (asked.length === 0) return 'PermissionDenied'
      const svids = asked.map(async ({ identity: { identifier, hint = '', tokenLifetimeSeconds } }) => ({
        spiffeId: identifier,
        svid: await authority.issueJwtSvid(identifier, {
          audience,
          ...(tokenLifetimeSeconds !== undefined && { lifetimeSeconds: tokenLifetimeSeconds }),
        }),
        hint,
      }))
      return { svids: await Promise.all(svids) }
    },
    async validateJWTSVID({ audience, svid }) {
      try {
        const { identifier, claims } = await verifyJwtSvid(svid, { trust: trustAuthorities(all), audience, runtime: authority.runtime })
        // A copy, since the message takes JSON that is not read-only.
        const copy: JsonObject = JSON.parse(JSON.stringify(claims))
        return { spiffeId: identifier, claims: copy }
      } catch (error) {
        if (isWimseError(error)) return 'InvalidArgument'
        throw error
      }
    },
  }
}

function bundles<T>(authorities: readonly TestAuthority[], bundle: (authority: TestAuthority) => T): Record<string, T> {
  return Object.fromEntries(authorities.map((authority) => [`spiffe://${authority.trustDomain}`, bundle(authority)]))
}

function rootsOf(authority: TestAuthority): Uint8Array {
  return concatOctets(authority.contents().x509Authorities ?? [])
}

function jwkSet(keys: readonly KeyAuthority[] = []): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
}
