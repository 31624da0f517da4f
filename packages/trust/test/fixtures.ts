import { parseTrustDomain, parseWorkloadIdentifier, type TrustDomain, utf8, WimseError } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm } from '@wimse/keys'
import { createTestRuntime, TEST_EPOCH_MS, type TestRuntime } from '@wimse/testing'
import {
  type CertificateAuthority,
  type GeneratedCertificateKey,
  generateCertificateKey,
  issueAuthority,
  issueCertificate,
  jwkOfSpki,
} from '@wimse/x509'
import { type BundleContents, type KeyAuthority, keyAuthority, type TrustSink, type TrustSource } from '../src/index.ts'

export const SHOP: TrustDomain = parseTrustDomain('shop.example')
export const BANK: TrustDomain = parseTrustDomain('bank.example')
export const runtime: TestRuntime = createTestRuntime()

/** Wide enough for the clock of tests and for that of the machine, by which Node judges Web PKI certificates. */
const WINDOW = { notBefore: Date.UTC(2020) / 1000, notAfter: Date.UTC(2049) / 1000 }

export type Jwk = Readonly<Record<string, unknown>>

/** A public key as it stands in a bundle. */
export async function tokenKey(use: string, kid?: string, algorithm: SignatureAlgorithm = 'ES256'): Promise<Jwk> {
  const { alg: _, ...jwk } = (await generateSigner(algorithm, runtime)).signer.publicJwk
  return { ...jwk, use, ...(kid === undefined ? {} : { kid }) }
}

export async function authority(kid: string): Promise<KeyAuthority> {
  return keyAuthority(await tokenKey('sig', kid), { runtime })
}

export async function rootOf(trustDomain?: TrustDomain): Promise<CertificateAuthority> {
  const key = await generateCertificateKey('ES256', runtime)
  return issueAuthority({ key, ...(trustDomain && { trustDomain }), subject: { organization: trustDomain ?? 'web' }, ...WINDOW, runtime })
}

export interface Leaf {
  readonly chain: readonly Uint8Array[]
  readonly key: GeneratedCertificateKey
}

/** A leaf below a root: for a SPIFFE ID, or for a host where the name is none. */
export async function leafOf(issuer: CertificateAuthority, name: string, notAfter = WINDOW.notAfter): Promise<Leaf> {
  const key = await generateCertificateKey('ES256', runtime)
  const names = name.includes('://') ? { identifier: parseWorkloadIdentifier(name) } : { dnsNames: [name] }
  const { chain } = await issueCertificate({ issuer, publicKey: key.publicKey, ...names, ...WINDOW, notAfter, runtime })
  return { chain, key }
}

/** The entry of a root in a bundle. */
export function rootEntry({ certificate, key }: CertificateAuthority, use = 'x509-svid'): Jwk {
  return { ...jwkOfSpki(key.publicKey), use, x5c: [Buffer.from(certificate).toString('base64')] }
}

export function json(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(value))
}

/** The code of what `step` throws; undefined where it throws nothing. What isn't coded passes through. */
export async function codeOf(step: () => unknown): Promise<string | undefined> {
  try {
    await step()
    return undefined
  } catch (error) {
    if (error instanceof WimseError) return error.code
    throw error
  }
}

/** A source that does what a test says. */
export interface ScriptedSource extends TrustSource {
  readonly sink: () => TrustSink
  readonly asked: TrustDomain[]
}

export function scriptedSource(
  first: readonly BundleContents[],
  options: Partial<TrustSource> & { readonly onRefresh?: (sink: TrustSink) => void } = {},
): ScriptedSource {
  const { onRefresh, ...rest } = options
  const asked: TrustDomain[] = []
  let current: TrustSink | undefined
  const sink = (): TrustSink => {
    if (current === undefined) throw new Error('not started')
    return current
  }
  return {
    origin: 'scripted',
    async start(given) {
      current = given
      if (first.length > 0) given.replace(first)
    },
    async refresh(trustDomain) {
      asked.push(trustDomain)
      onRefresh?.(sink())
    },
    close() {},
    ...rest,
    sink,
    asked,
  }
}

/** Lets what is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export { TEST_EPOCH_MS }
