import { createPublicKey, X509Certificate } from 'node:crypto'
import type { AuthorityKey, TrustDomainBundle } from './bundle.ts'
import { spireApiError } from './errors.ts'

type JsonWebKeyOfBundle = Readonly<Record<string, unknown>> & { readonly use: string }

/** A SPIFFE bundle document, as a bundle endpoint serves it. */
export interface BundleDocument {
  readonly keys: readonly JsonWebKeyOfBundle[]
  readonly spiffe_sequence: number
  readonly spiffe_refresh_hint?: number
}

/**
 * Formats a bundle as a SPIFFE bundle document: `x509-svid`, `jwt-svid` and `wit-svid` keys, tainted authorities left out.
 *
 * @throws ERR_SPIRE_API_MALFORMED when a certificate or key of the bundle cannot be read.
 * @see SPIFFE Trust Domain and Bundle, section 4
 */
export function formatBundleDocument(bundle: TrustDomainBundle): BundleDocument {
  return readingBundle(() => ({
    keys: [
      ...bundle.x509Authorities.filter(isTrusted).map(({ certificate }) => ({
        ...new X509Certificate(certificate).publicKey.export({ format: 'jwk' }),
        use: 'x509-svid',
        x5c: [Buffer.from(certificate).toString('base64')],
      })),
      ...bundle.jwtAuthorities.filter(isTrusted).map((key) => formatKey(key, 'jwt-svid')),
      ...bundle.witAuthorities.filter(isTrusted).map((key) => formatKey(key, 'wit-svid')),
    ],
    spiffe_sequence: Number(bundle.sequence),
    ...(bundle.refreshHintSeconds > 0 && { spiffe_refresh_hint: bundle.refreshHintSeconds }),
  }))
}

/**
 * Reads a SPIFFE bundle document into what the server's API takes. For documents that the caller trusts already: it
 * checks shapes, not the rules of SPIFFE federation; that is the work of `@wimse/trust`. Keys with another `use` are skipped.
 *
 * @throws ERR_SPIRE_API_ARGUMENT
 */
export function parseBundleDocument(trustDomain: string, document: BundleDocument): TrustDomainBundle {
  try {
    const keysFor = (use: string): readonly JsonWebKeyOfBundle[] => document.keys.filter((key) => key.use === use)
    return {
      trustDomain,
      x509Authorities: keysFor('x509-svid').map((key) => ({ certificate: parseX5c(key['x5c']), tainted: false })),
      jwtAuthorities: keysFor('jwt-svid').map(parseKey),
      witAuthorities: keysFor('wit-svid').map(parseKey),
      refreshHintSeconds: document.spiffe_refresh_hint ?? 0,
      sequence: BigInt(document.spiffe_sequence ?? 0),
    }
  } catch (cause) {
    throw spireApiError('ERR_SPIRE_API_ARGUMENT', 'not a SPIFFE bundle document', cause)
  }
}

/** The X.509 authorities of a bundle as PEM, tainted ones left out. @throws ERR_SPIRE_API_MALFORMED */
export function formatTrustAnchorsPem(bundle: TrustDomainBundle): readonly string[] {
  return readingBundle(() => bundle.x509Authorities.filter(isTrusted).map(({ certificate }) => new X509Certificate(certificate).toString()))
}

function isTrusted({ tainted }: { readonly tainted: boolean }): boolean {
  return !tainted
}

function formatKey({ keyId, publicKey }: AuthorityKey, use: string): JsonWebKeyOfBundle {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  return { ...key.export({ format: 'jwk' }), kid: keyId, use }
}

function parseKey({ kid, use: _use, ...jwk }: JsonWebKeyOfBundle): AuthorityKey {
  if (typeof kid !== 'string') throw new TypeError('kid')
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return { keyId: kid, publicKey: key.export({ format: 'der', type: 'spki' }), expiresAt: 0, tainted: false }
}

function parseX5c(x5c: unknown): Uint8Array {
  if (!Array.isArray(x5c) || x5c.length !== 1 || typeof x5c[0] !== 'string') throw new TypeError('x5c')
  return new X509Certificate(Buffer.from(x5c[0], 'base64')).raw
}

function readingBundle<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw spireApiError('ERR_SPIRE_API_MALFORMED', 'a bundle of the SPIRE server cannot be read', cause)
  }
}
