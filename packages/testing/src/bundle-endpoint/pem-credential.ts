import { formatPem } from '@wimse/x509'

/** A certificate chain and its private key as Node's TLS takes them. */
export interface PemCredential {
  readonly cert: string
  readonly key: string
}

export function pemCredentialOf({
  chain,
  privateKey,
}: {
  readonly chain: readonly Uint8Array[]
  readonly privateKey: Uint8Array
}): PemCredential {
  return { cert: chain.map((der) => formatPem('CERTIFICATE', der)).join(''), key: formatPem('PRIVATE KEY', privateKey) }
}
