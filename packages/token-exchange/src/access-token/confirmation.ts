import { formatBase64url, isJsonObject, isWimseError, parseBase64url, type Runtime, WimseError, type WorkloadIdentifier } from '@wimse/core'
import { assertVerifiedWit, type VerifiedWit } from '@wimse/wit'
import type { Confirmation } from '../client-auth/authenticated-client.ts'

/** A key that a caller proved on this very request: by a WPT or HTTP signature that was verified, or on its connection. */
export type ProvenKey =
  | { readonly kind: 'wpt' | 'http-signature'; readonly wit: VerifiedWit }
  | { readonly kind: 'mutual-tls'; readonly identifier: WorkloadIdentifier; readonly certificateThumbprint: string }

/** The thumbprint of a certificate in DER, as `x5t#S256` has it: SHA-256, base64url. */
export async function certificateThumbprint(certificate: Uint8Array, runtime: Pick<Runtime, 'crypto'>): Promise<string> {
  return formatBase64url(await runtime.crypto.digest('sha-256', certificate))
}

/** How `cnf` names a proven key. @throws WimseError `ERR_OPTIONS_INVALID` */
export function confirmationOfProof(proof: ProvenKey): Confirmation {
  if (proof.kind === 'mutual-tls') return { 'x5t#S256': proof.certificateThumbprint }
  // The compiler isn't there for callers in JavaScript: what looks like a proof must not become one.
  if (proof.kind !== 'wpt' && proof.kind !== 'http-signature') throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'proof' })
  assertVerifiedWit(proof.wit)
  return { jkt: proof.wit.confirmation.thumbprint }
}

/** Reads `cnf` or `requested_cnf`: exactly one thumbprint of SHA-256, and nothing else. Undefined for anything else. */
export function confirmationOf(value: unknown): Confirmation | undefined {
  if (!isJsonObject(value) || Object.keys(value).length !== 1) return undefined
  const { jkt, 'x5t#S256': x5t } = value
  if (isThumbprint(jkt)) return { jkt }
  return isThumbprint(x5t) ? { 'x5t#S256': x5t } : undefined
}

/** Whether both name the same key in the same way. */
export function sameConfirmation(expected: Confirmation, proven: Confirmation | undefined): boolean {
  if (proven === undefined) return false
  if ('jkt' in expected) return 'jkt' in proven && expected.jkt === proven.jkt
  return 'x5t#S256' in proven && expected['x5t#S256'] === proven['x5t#S256']
}

function isThumbprint(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    return parseBase64url(value).length === 32
  } catch (error) {
    if (isWimseError(error)) return false
    throw error
  }
}
