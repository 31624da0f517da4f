import { formatBase64url, parseBase64url, WimseError, withCode } from '@wimse/core'

/** Labels of the PEM blocks of this package. */
export type PemLabel = 'CERTIFICATE' | 'PRIVATE KEY' | 'PUBLIC KEY' | 'CERTIFICATE REQUEST'

/** Formats DER as one PEM block (RFC 7468), with a line break at the end. */
export function formatPem(label: PemLabel, der: Uint8Array): string {
  const text = formatBase64url(der).replaceAll('-', '+').replaceAll('_', '/')
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4, '=')
  return `-----BEGIN ${label}-----\n${padded.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END ${label}-----\n`
}

/**
 * Reads every PEM block with a label, in order; blocks of other labels and text around them are passed over. The octets inside are
 * not looked at. No block with the label gives an empty list.
 *
 * @throws WimseError `ERR_X509_MALFORMED` for a block that isn't base64 or has no end
 */
export function parsePem(label: PemLabel, text: string): readonly Uint8Array[] {
  const blocks: Uint8Array[] = []
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at)) {
    const start = at + begin.length
    const stop = text.indexOf(end, start)
    if (stop === -1) throw new WimseError('ERR_X509_MALFORMED', { detail: 'PEM block has no end' })
    const body = text.slice(start, stop).replace(/[\t\n\r ]/g, '')
    const bare = body.replace(/={1,2}$/, '')
    if (body.length % 4 !== 0 || /[-_=]/.test(bare)) throw new WimseError('ERR_X509_MALFORMED', { detail: 'PEM base64' })
    blocks.push(withCode('ERR_X509_MALFORMED', () => parseBase64url(bare.replaceAll('+', '-').replaceAll('/', '_'))))
    at = stop + end.length
  }
  return blocks
}
