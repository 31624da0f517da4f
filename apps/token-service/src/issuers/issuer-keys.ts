import { readFile } from 'node:fs/promises'
import { isWimseError, parseStrictJsonObject, type Runtime, WimseError } from '@wimse/core'
import { type IssuerKeys, remoteIssuerKeys, staticIssuerKeys } from '@wimse/token-exchange'
import type { IssuerConfig } from '../config/token-service-config.ts'

/** What keys of issuers are fetched with: by Web PKI, or from workloads by their identifiers. */
export interface IssuerFetch {
  readonly runtime: Runtime
  readonly peerFetch: Runtime['fetch']
}

/**
 * The keys of issuers, each from where the operator said, and nowhere else.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a file that can't be used
 */
export async function openIssuers(issuers: readonly IssuerConfig[], { runtime, peerFetch }: IssuerFetch): Promise<IssuerKeys> {
  const opened = await Promise.all(
    issuers.map(async ({ issuer, jwksUri, jwksFile, peer }): Promise<readonly [string, IssuerKeys]> => {
      if (jwksFile !== undefined) return [issuer, staticIssuerKeys({ [issuer]: { keys: await readKeySet(jwksFile) } }, { runtime })]
      const fetching = peer === undefined ? runtime : { ...runtime, fetch: peerFetch }
      return [issuer, remoteIssuerKeys({ issuers: { [issuer]: jwksUri ?? '' }, runtime: fetching })]
    }),
  )
  return combineIssuers(new Map(opened))
}

/** One source of keys for each issuer. */
export function combineIssuers(sources: ReadonlyMap<string, IssuerKeys>): IssuerKeys {
  return {
    keys: (issuer) => sources.get(issuer)?.keys(issuer),
    refresh: async (issuer) => (await sources.get(issuer)?.refresh(issuer)) ?? false,
  }
}

async function readKeySet(path: string): Promise<readonly unknown[]> {
  const unusable = (): never => {
    throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'jwksFile: no JWK set can be read there' })
  }
  const octets = await readFile(path).catch(unusable)
  try {
    const { keys } = parseStrictJsonObject(octets)
    return Array.isArray(keys) ? keys : unusable()
  } catch (error) {
    return isWimseError(error) ? unusable() : Promise.reject(error)
  }
}
