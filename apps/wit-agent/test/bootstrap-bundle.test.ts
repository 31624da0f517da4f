import { isWimseError, parseTrustDomain } from '@wimse/core'
import { createTestAuthority, createTestRuntime } from '@wimse/testing'
import { formatPem } from '@wimse/x509'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBootstrapBundle } from '../src/spire/bootstrap-bundle.ts'

const runtime = createTestRuntime()
const trustDomain = parseTrustDomain('shop.example')
const authority = await createTestAuthority({ trustDomain, runtime })
const { x509Authorities: roots = [] } = authority.contents()
const pem = roots.map((root) => formatPem('CERTIFICATE', root)).join('')
const json = new TextDecoder().decode(authority.spiffeBundle())

describe('parseBootstrapBundle', () => {
  it.each([
    ['PEM certificates (FED-5.2.2.2-05)', pem],
    ['a SPIFFE bundle (FED-5.2.2.2-04)', json],
  ])('takes %s', (_title, text) => {
    expect(parseBootstrapBundle(text, trustDomain, runtime)).toEqual(roots)
  })

  it.each([
    ['nothing', ''],
    ['a bundle without roots', '{"keys":[]}'],
    ['a PEM block that is no certificate', formatPem('CERTIFICATE', new Uint8Array([1, 2]))],
    ['a private key', formatPem('PRIVATE KEY', new Uint8Array([1, 2]))],
  ])('refuses %s', (_title, text) => {
    expect(() => parseBootstrapBundle(text, trustDomain, runtime)).toThrowError(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }))
  })

  it('refuses a bundle of another trust domain', () => {
    expect(() => parseBootstrapBundle(json, parseTrustDomain('bank.example'), runtime)).toThrowError(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID' }),
    )
  })

  it('throws nothing but that code on arbitrary text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseBootstrapBundle(text, trustDomain, runtime)
          return false
        } catch (error) {
          return isWimseError(error, 'ERR_OPTIONS_INVALID')
        }
      }),
    )
  })
})
