import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import { WimseError, type WorkloadIdentifier } from '@wimse/core'
import { formatPem } from '@wimse/x509'

/** A certificate with its private key: what an endpoint of TLS needs to be a workload. */
export interface X509Credential {
  readonly identifier: WorkloadIdentifier
  /** DER, leaf first, then intermediates. */
  readonly chain: readonly Uint8Array[]
  /** PKCS#8, DER, unencrypted. */
  readonly privateKey: Uint8Array
  /** End of validity of the leaf in seconds since the epoch. */
  readonly notAfter: number
}

/** Where certificates come from. The same object from `current` as long as nothing has rotated. `@wimse/workload-api` has one. */
export interface X509Source {
  /** @throws WimseError `ERR_CREDENTIAL_EXPIRED`, `ERR_CREDENTIAL_UNAVAILABLE`: an expired one is never returned (CRED-9.4-03) */
  current(): X509Credential
}

/** The lowest version of TLS that is spoken. */
export type MinVersion = Extract<SecureVersion, 'TLSv1.2' | 'TLSv1.3'>

/** The lowest version of TLS unless told otherwise. */
export const DEFAULT_MIN_VERSION: MinVersion = 'TLSv1.3'

/** What node:tls needs to show a credential. No root is in it: peers are judged by path validation of our own, never by OpenSSL's store. */
export function contextOptions(credential: X509Credential | undefined, minVersion: MinVersion): SecureContextOptions {
  const base: SecureContextOptions = { ca: [], minVersion }
  if (credential === undefined) return base
  const cert = credential.chain.map((der) => formatPem('CERTIFICATE', der)).join('')
  return { ...base, cert, key: formatPem('PRIVATE KEY', credential.privateKey) }
}

/** Runs a step that hands a private key to OpenSSL. Its error, which may quote it, is not kept. @throws WimseError `ERR_KEY_MALFORMED` */
export function withPrivateKey<T>(step: () => T): T {
  try {
    return step()
  } catch {
    throw new WimseError('ERR_KEY_MALFORMED', { detail: 'TLS refused the certificate and its private key' })
  }
}

const contexts = /* @__PURE__ */ new WeakMap<X509Credential, Map<MinVersion, SecureContext>>()

/** The secure context of a client, made once for each credential. @throws WimseError `ERR_KEY_MALFORMED` */
export function clientContext(credential: X509Credential | undefined, minVersion: MinVersion): SecureContext {
  if (credential === undefined) return createSecureContext(contextOptions(undefined, minVersion))
  const known = contexts.get(credential) ?? new Map<MinVersion, SecureContext>()
  contexts.set(credential, known)
  const context = known.get(minVersion) ?? withPrivateKey(() => createSecureContext(contextOptions(credential, minVersion)))
  known.set(minVersion, context)
  return context
}
