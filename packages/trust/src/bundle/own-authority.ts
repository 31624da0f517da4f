import { type TrustDomain, WimseError } from '@wimse/core'
import type { UnverifiedCertificate } from '@wimse/x509'

/**
 * Refuses a certificate that can't be an authority of a trust domain: one that is no CA (TDD-4.1-06), and one that names another trust
 * domain or a workload (XSVID-3.2-02). Bundles don't hold the name of their trust domain: this is where a bundle of another one shows.
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_TRUST_DOMAIN`
 */
export function requireOwnAuthority({ extensions }: UnverifiedCertificate, trustDomain: TrustDomain): void {
  if (extensions.basicConstraints?.ca !== true) throw new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail: 'a certificate is no CA' })
  for (const { type, text } of extensions.subjectAltName?.names ?? []) {
    if (type !== 'uri' || !/^(?:spiffe|wimse):/i.test(text)) continue
    if (text !== `spiffe://${trustDomain}` && text !== `wimse://${trustDomain}`) throw new WimseError('ERR_TRUST_BUNDLE_TRUST_DOMAIN')
  }
}
