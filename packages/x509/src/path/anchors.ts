import { isWimseError } from '@wimse/core'
import { decodeUnverifiedCertificate, type UnverifiedCertificate } from '../certificate/decode-certificate.ts'

// By the identity of the octets that a trust store hands out: an anchor that is dropped there is forgotten here.
const decoded = /* @__PURE__ */ new WeakMap<Uint8Array, UnverifiedCertificate | 'unreadable'>()

/** The anchors that can be read. One that can't be is left out: fewer anchors trust less. */
export function decodeAnchors(ders: readonly Uint8Array[]): readonly UnverifiedCertificate[] {
  return ders.map(decodeAnchor).filter((anchor) => anchor !== 'unreadable')
}

function decodeAnchor(der: Uint8Array): UnverifiedCertificate | 'unreadable' {
  const known = decoded.get(der)
  if (known !== undefined) return known
  const anchor = decodeOnce(der)
  decoded.set(der, anchor)
  return anchor
}

function decodeOnce(der: Uint8Array): UnverifiedCertificate | 'unreadable' {
  try {
    return decodeUnverifiedCertificate(der)
  } catch (error) {
    if (isWimseError(error)) return 'unreadable'
    throw error
  }
}
