import { isWimseError } from '@wimse/core'
import { defaultRuntime } from '@wimse/keys'
import { generateCertificateKey, issueAuthority, issueCertificate, privateJwkOfPkcs8 } from '@wimse/x509'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_SOCKET_PATH_BYTES, parseWorkloadApiAddress, type WorkloadApiAddress } from '../src/index.ts'
import { checkPrivateKey, decodeCertificates } from '../src/profiles/certificates.ts'
import { decodeBundleMap } from '../src/profiles/identities.ts'
import { decodeJwkSet } from '../src/profiles/jwk-sets.ts'

/** The step does what it does without any other error than a coded one. */
function coded(step: () => unknown): void {
  try {
    step()
  } catch (error) {
    if (!isWimseError(error)) throw error
  }
}

const format = (address: WorkloadApiAddress): string =>
  address.kind === 'unix'
    ? `unix://${address.path.split('/').map(encodeURIComponent).join('/')}`
    : `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`

const segment = fc.stringMatching(/^[^/\0]{1,20}$/u).filter((text) => text.isWellFormed())
const address: fc.Arbitrary<WorkloadApiAddress> = fc.oneof(
  fc
    .array(segment, { minLength: 1, maxLength: 3 })
    .map((segments) => ({ kind: 'unix' as const, path: `/${segments.join('/')}` }))
    .filter(({ path }) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES),
  fc.record({ kind: fc.constant('tcp' as const), host: fc.oneof(fc.ipV4(), fc.ipV6()), port: fc.integer({ min: 1, max: 65_535 }) }),
)

describe('properties', () => {
  it('a private key with one octet changed is refused, unless it still is the same key', async () => {
    const runtime = defaultRuntime()
    const { privateKey, publicKey } = await generateCertificateKey('ES256', runtime)
    const issuer = await issueAuthority({
      key: await generateCertificateKey('ES256', runtime),
      subject: { commonName: 'root' },
      notBefore: 0,
      notAfter: 2_000_000_000,
      runtime,
    })
    const { certificate } = await issueCertificate({ issuer, publicKey, dnsNames: ['a'], notBefore: 0, notAfter: 2_000_000_000, runtime })
    await checkPrivateKey(privateKey, certificate, runtime)
    await fc.assert(
      fc.asyncProperty(fc.nat(privateKey.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = privateKey.map((octet, index) => (index === at ? octet ^ by : octet))
        const code = await checkPrivateKey(changed, certificate, runtime).then(
          () => 'accepted',
          (error: { readonly code: string }) => error.code,
        )
        // The optional fields of the encoding may change as long as they say nothing else.
        if (code === 'accepted') expect(privateJwkOfPkcs8(changed, publicKey)).toEqual(privateJwkOfPkcs8(privateKey, publicKey))
        else expect(code).toBe('ERR_WORKLOAD_API_RESPONSE')
      }),
    )
  })

  it('an address that is formatted and parsed is the same', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(parseWorkloadApiAddress(format(value))).toEqual(value)
      }),
    )
  })
  it('arbitrary texts and octets give nothing but coded errors', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webUrl())
    fc.assert(
      fc.property(text, fc.constantFrom('', 'unix:', 'unix://', 'unix:///', 'tcp://'), (value, prefix) =>
        coded(() => parseWorkloadApiAddress(prefix + value)),
      ),
    )
    fc.assert(fc.property(fc.uint8Array(), (octets) => coded(() => decodeCertificates(octets))))
    fc.assert(fc.property(fc.dictionary(text, text), (bundles) => coded(() => decodeBundleMap(bundles, (bundle) => bundle))))
  })
  it('arbitrary JSON as a JWK Set gives nothing but coded errors', () => {
    const keys = fc.oneof(
      fc.json(),
      fc.array(fc.jsonValue()).map((list) => JSON.stringify({ keys: list })),
    )
    const runtime = defaultRuntime()
    fc.assert(
      fc.property(keys, fc.constantFrom('jwt-svid' as const, 'wit-svid' as const), (json, use) =>
        coded(() => decodeJwkSet(Buffer.from(json), use, runtime)),
      ),
    )
  })
})
