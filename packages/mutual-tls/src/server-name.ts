import { WimseError } from '@wimse/core'
import { formatIpAddress, parseIpAddress, type VerifiedCertificate } from '@wimse/x509'

/** How the address that a client used is compared with the names in the certificate. */
export interface ServerNameRules {
  /** The host that was dialled, without brackets: a DNS name or an IP address. */
  readonly host: string
  readonly verifyHostName: boolean
  readonly verifyIpAddress: boolean
}

/**
 * Checks the certificate against the address: a DNS name against the DNS names (MTLS-3.2.1-02, MTLS-3.2.1-08, MTLS-5-05), an IP address
 * against the addresses only where that is asked for (MTLS-3.2.1-09, MTLS-3.2.1-10). The trust domain of the identifier is no host
 * (MTLS-3.2.1-05), and neither is a common name.
 *
 * @throws WimseError `ERR_MTLS_SERVER_NAME`
 */
export function checkServerName({ dnsNames, ipAddresses }: VerifiedCertificate, rules: ServerNameRules): void {
  const address = parseIpAddress(rules.host)
  if (address !== undefined) {
    const text = formatIpAddress(address)
    if (rules.verifyIpAddress && !ipAddresses.includes(text)) throw new WimseError('ERR_MTLS_SERVER_NAME', { detail: 'IP address' })
    return
  }
  if (rules.verifyHostName && !dnsNames.some((name) => matchesDnsName(name, rules.host))) {
    throw new WimseError('ERR_MTLS_SERVER_NAME', { detail: 'DNS name' })
  }
}

/**
 * Whether a presented DNS name is the one that was used: without regard to case; `*` stands for exactly one whole label, the first.
 *
 * @see RFC 9525 section 6.3
 */
export function matchesDnsName(presented: string, used: string): boolean {
  const name = presented.toLowerCase().replace(/\.$/, '')
  const host = used.toLowerCase().replace(/\.$/, '')
  if (host === '' || host.includes('*')) return false
  if (!name.startsWith('*.')) return !name.includes('*') && name === host
  const rest = name.slice(1)
  const dot = host.indexOf('.')
  return !rest.includes('*') && rest.length > 1 && dot > 0 && host.slice(dot) === rest
}
