import { isWimseError } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createCertificateRequest,
  decodeUnverifiedCertificate,
  formatPem,
  jwkOfSpki,
  parsePem,
  privateJwkOfPkcs8,
  splitDer,
  verifyCertificateRequest,
} from '../src/index.ts'
import { authorityOf, createPki, leafOf, type Pki, runtime, verify } from './pki.ts'

let pki: Pki
let chain: readonly Uint8Array[]
let request: Uint8Array
beforeAll(async () => {
  pki = await createPki()
  const authority = await authorityOf(pki.root, 'first')
  chain = [await leafOf({ issuer: authority, publicKey: pki.leafKey.publicKey }), ...authority.intermediates]
  request = await createCertificateRequest(pki.leafKey, { uris: ['spiffe://shop.example/orders'] })
})

const change = (octets: Uint8Array, at: number, by: number): Uint8Array => octets.map((octet, index) => (index === at ? octet ^ by : octet))

/** The step fails with a coded error. */
async function refused(step: () => unknown): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (isWimseError(error)) return
    throw error
  }
  throw new Error('accepted')
}

/** The step does what it does without any other error than a coded one. */
async function coded(step: () => unknown): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (!isWimseError(error)) throw error
  }
}

describe('properties', () => {
  it('every octet of the leaf counts', async () => {
    const [leaf = new Uint8Array(), ...others] = chain
    await expect(verify(chain, [pki.root.certificate])).resolves.toBeDefined()
    for (let at = 0; at < leaf.length; at += 1) {
      await refused(() => verify([change(leaf, at, 1), ...others], [pki.root.certificate]))
    }
  })

  it('any change of one octet of the leaf, an intermediate or a request is refused', async () => {
    const which = fc.record({ link: fc.constantFrom(0, 1), at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(which, async ({ link, at, by }) => {
        const changed = chain.map((der, index) => (index === link ? change(der, at % der.length, by) : der))
        await refused(() => verify(changed, [pki.root.certificate]))
        await refused(() => verifyCertificateRequest(change(request, at % request.length, by), runtime))
      }),
      { numRuns: 400 },
    )
  })

  it('arbitrary octets, and certificates with a part replaced, throw coded errors only', async () => {
    const [leaf = new Uint8Array()] = chain
    const spliced = fc.record({ at: fc.nat(leaf.length), drop: fc.nat(20), more: fc.uint8Array({ maxLength: 20 }) })
    const mangled = spliced.map(({ at, drop, more }) => Uint8Array.from([...leaf.subarray(0, at), ...more, ...leaf.subarray(at + drop)]))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), mangled), async (octets) => {
        await coded(() => decodeUnverifiedCertificate(octets))
        await coded(() => splitDer(octets))
        await coded(() => jwkOfSpki(octets))
        await coded(() => privateJwkOfPkcs8(octets))
        await coded(() => verify([octets], [pki.root.certificate, octets]))
        await coded(() => verifyCertificateRequest(octets, runtime))
      }),
      { numRuns: 500 },
    )
  })

  it('arbitrary text as PEM throws coded errors only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) =>
        coded(() => parsePem('CERTIFICATE', `-----BEGIN CERTIFICATE-----${text}-----END CERTIFICATE-----`)),
      ),
    )
  })

  it('PEM: parse after format is the identity', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(parsePem('CERTIFICATE', formatPem('CERTIFICATE', octets))).toEqual([octets])
      }),
    )
  })
})
