import {
  isJsonObject,
  isWimseError,
  type JsonObject,
  type JsonValue,
  type Runtime,
  recode,
  type TrustDomain,
  WimseError,
} from '@wimse/core'
import { decodeUnverifiedCertificate, jwkOfSpki } from '@wimse/x509'
import { keyAuthority } from '../key-authority.ts'
import type { AnchorKind, KeyAuthority } from '../trust-bundle.ts'
import { requireOwnAuthority } from './own-authority.ts'
import { parseX5cValue } from './x5c.ts'

/** How an entry of a bundle says what it is for. */
interface EntryUse {
  readonly kind: AnchorKind
  /** The entry is one of trust-domain discovery, whose rules differ from those of SPIFFE here and there. */
  readonly discovery: boolean
}

/** The values of `use` that are read, by exact octets (BUNDLE-4.2.2-02). `wit-svid` is SPIFFE's as well (WSVID-6.2-03). */
const USES: Readonly<Record<string, EntryUse>> = {
  'x509-svid': { kind: 'x509', discovery: false },
  'jwt-svid': { kind: 'jwt', discovery: false },
  'wit-svid': { kind: 'wit', discovery: false },
  'wimse-x509': { kind: 'x509', discovery: true },
  'wimse-jwt': { kind: 'wit', discovery: true },
}

const KEY_TYPES: readonly unknown[] = ['EC', 'RSA', 'OKP', 'oct']

/** One entry as it is used, or undefined where it has to be skipped. */
export type BundleEntry =
  | { readonly kind: 'x509'; readonly kid: JsonValue | undefined; readonly certificate: Uint8Array }
  | { readonly kind: 'jwt' | 'wit'; readonly kid: string | undefined; readonly authority: KeyAuthority }

/** What entries are read for. */
export interface EntryContext {
  readonly trustDomain: TrustDomain
  readonly runtime: Pick<Runtime, 'crypto'> | undefined
}

/**
 * Reads one element of `keys`. Skipped, as the specifications order it: an unknown or missing `kty` (BUNDLE-4.2.1-02) or `use`
 * (BUNDLE-4.2.2-03, TDD-4.1-11), an `x509-svid` entry without certificate (XSVID-6.2-02); and what no algorithm of ours can use, which
 * is the same as an unknown type. Everything else that is wrong refuses the whole bundle: a private, symmetric or weak key shows that
 * its publisher can't be relied on.
 *
 * @throws WimseError `ERR_TRUST_BUNDLE_MALFORMED`, `ERR_TRUST_BUNDLE_TRUST_DOMAIN`
 */
export function readBundleEntry(value: JsonValue, context: EntryContext): BundleEntry | undefined {
  if (!isJsonObject(value)) throw malformed('an entry is no object')
  const { kty, use: name } = value
  const use = typeof name === 'string' && Object.hasOwn(USES, name) ? USES[name] : undefined
  if (use === undefined || typeof name !== 'string' || !KEY_TYPES.includes(kty)) return undefined
  if (use.kind === 'x509') return readCertificateEntry(value, use.discovery, context)
  // JSVID-6.1-03, WSVID-6.1-02: SPIFFE's keys are chosen by kid; TDD-4.1-05 only recommends one.
  if (value['kid'] === undefined && !use.discovery) throw malformed('an entry has no kid')
  const authority = usable('ERR_KEY_ALGORITHM', () =>
    keyAuthority(value, { uses: [name], ...(context.runtime === undefined ? {} : { runtime: context.runtime }) }),
  )
  return authority && { kind: use.kind, kid: authority.keyId, authority }
}

function readCertificateEntry(value: JsonObject, discovery: boolean, { trustDomain }: EntryContext): BundleEntry | undefined {
  const { x5c } = value
  if (!discovery && (x5c === undefined || (Array.isArray(x5c) && x5c.length === 0))) return undefined
  if (!Array.isArray(x5c) || x5c.length === 0) throw malformed('x5c')
  // TDD-4.1-08 takes exactly one certificate; XSVID-6.2-03 orders to pass over the second and later ones.
  if (discovery && x5c.length !== 1) throw malformed('x5c has not exactly one certificate')
  const der = parseX5cValue(x5c[0])
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) if (member in value) throw malformed('a private key')
  const certificate = usable('ERR_X509_ALGORITHM', () => {
    const decoded = decodeUnverifiedCertificate(der)
    return { decoded, publicKey: jwkOfSpki(decoded.publicKey) }
  })
  if (certificate === undefined) return undefined
  // TDD-4.1-10, BUNDLE-4.2-01: the entry stands for one key, which is the certificate's.
  for (const [member, expected] of Object.entries(certificate.publicKey)) {
    if (value[member] !== expected) throw malformed('the key of an entry is not the key of its certificate')
  }
  requireOwnAuthority(certificate.decoded, trustDomain)
  return { kind: 'x509', kid: value['kid'], certificate: der }
}

/** What `read` gives; undefined where it fails with the code that stands for an unknown kind of key. */
function usable<T>(unknownKind: 'ERR_KEY_ALGORITHM' | 'ERR_X509_ALGORITHM', read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isWimseError(error)) throw error
    if (error.code === unknownKind) return undefined
    throw recode('ERR_TRUST_BUNDLE_MALFORMED', error)
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_TRUST_BUNDLE_MALFORMED', { detail })
}
