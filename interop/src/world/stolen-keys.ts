import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { BundleDocument } from '@wimse/spire-api'
import type { StolenAuthority } from './world.ts'

/** SPIRE's disk key manager: a name for each key, PKCS#8 in base64. */
interface KeyStore {
  readonly keys: Readonly<Record<string, string>>
}

/** Matches the private keys of SPIRE's own key store with the bundle that it publishes: what a thief of the store could sign with. */
export function stolenAuthority(keyStore: string, bundle: BundleDocument): StolenAuthority {
  const { keys } = JSON.parse(keyStore) as KeyStore
  const stolen = Object.values(keys).map((pkcs8) => {
    const privateKey = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' })
    return { privateKey: new Uint8Array(Buffer.from(pkcs8, 'base64')), spki: spkiOf(createPublicKey(privateKey)) }
  })
  const found = bundle.keys.flatMap(({ use, x5c, kid, ...jwk }) => {
    const certificate = Array.isArray(x5c) ? Buffer.from(String(x5c[0]), 'base64') : undefined
    const publicKey = certificate ? new X509Certificate(certificate).publicKey : createPublicKey({ key: jwk, format: 'jwk' })
    const match = stolen.find(({ spki }) => spki === spkiOf(publicKey))
    return match === undefined ? [] : [{ use, certificate, keyId: String(kid), privateKey: match.privateKey }]
  })
  const x509 = found.find(({ use }) => use === 'x509-svid')
  const wit = found.find(({ use }) => use === 'wit-svid')
  return {
    ...(x509?.certificate && { x509: { certificate: new Uint8Array(x509.certificate), privateKey: x509.privateKey } }),
    ...(wit && { wit: { keyId: wit.keyId, privateKey: wit.privateKey } }),
  }
}

function spkiOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}
