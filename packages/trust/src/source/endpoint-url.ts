import { WimseError } from '@wimse/core'

/**
 * Parses the URL of a bundle endpoint: scheme `https` (FED-5.2.1.1-01, FED-5.2.2.1-01) and no user information, not even an empty one
 * (FED-5.2.1.1-02, FED-5.2.2.1-02). The rest is free. Other schemes are for whoever asks for them by name.
 *
 * @throws WimseError `ERR_TRUST_ENDPOINT_URL`
 */
export function parseEndpointUrl(text: string, schemes: readonly string[] = ['https:']): URL {
  if (typeof text !== 'string' || !URL.canParse(text)) throw new WimseError('ERR_TRUST_ENDPOINT_URL', { detail: 'not a URL' })
  const url = new URL(text)
  if (!schemes.includes(url.protocol)) throw new WimseError('ERR_TRUST_ENDPOINT_URL', { detail: 'scheme' })
  if (/^[^/?#]*\/\/[^/?#]*@/.test(text) || url.username !== '' || url.password !== '') {
    throw new WimseError('ERR_TRUST_ENDPOINT_URL', { detail: 'user information' })
  }
  return url
}
