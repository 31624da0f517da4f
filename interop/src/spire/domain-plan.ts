import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentConfig, ServerConfig } from './spire-config.ts'
import type { BundleEndpointAddress, BundleEndpointOptions, SpireDomainOptions } from './spire-domain.ts'

/** What follows from the options alone, whatever the domain runs in. */
export interface DomainPlan {
  readonly nodeSpiffeId: string
  readonly agent: Pick<AgentConfig, 'workloadKeyType' | 'witMode'>
  readonly bundleEndpoint: Omit<BundleEndpointAddress, 'url'>
  readonly server: Pick<ServerConfig, 'keyTypes' | 'caTtlSeconds' | `${'x509' | 'jwt' | 'node'}SvidTtlSeconds`>
}

export function describeDomain({ trustDomain, bundleEndpoint, keyTypes = {}, witMode, ...ttls }: SpireDomainOptions): DomainPlan {
  return {
    nodeSpiffeId: `spiffe://${trustDomain}/node`,
    agent: { workloadKeyType: keyTypes.workload ?? 'ec-p256', witMode: witMode ?? 'bridged' },
    bundleEndpoint: { profile: bundleEndpoint.profile, spiffeId: `spiffe://${trustDomain}/spire/server` },
    server: {
      keyTypes: { ca: keyTypes.ca ?? 'ec-p256', jwt: keyTypes.jwt ?? 'ec-p256', wit: keyTypes.wit ?? 'ec-p256' },
      caTtlSeconds: ttls.caTtlSeconds ?? 24 * 60 * 60,
      x509SvidTtlSeconds: ttls.x509SvidTtlSeconds ?? 60 * 60,
      jwtSvidTtlSeconds: ttls.jwtSvidTtlSeconds ?? 5 * 60,
      nodeSvidTtlSeconds: ttls.nodeSvidTtlSeconds ?? 60 * 60,
    },
  }
}

/**
 * The profile as the server's configuration names it; for `https_web`, has a serving certificate issued for `names` and
 * written to `directory`, which the server sees as `seenAs`.
 */
export async function bundleEndpointProfile(
  options: BundleEndpointOptions,
  names: readonly string[],
  directory: string,
  seenAs: string = directory,
): Promise<ServerConfig['bundleEndpoint']['profile']> {
  if (options.profile === 'https_spiffe') return { type: 'https_spiffe' }
  const { certificateChainPem, privateKeyPem } = await options.issueServingCertificate(names)
  await writeFile(join(directory, 'serving-certificate.pem'), certificateChainPem)
  await writeFile(join(directory, 'serving-key.pem'), privateKeyPem, { mode: 0o600 })
  return {
    type: 'https_web',
    certificatePath: join(seenAs, 'serving-certificate.pem'),
    keyPath: join(seenAs, 'serving-key.pem'),
  }
}
