import { generateKeyPairSync } from 'node:crypto'
import { formatBase64url } from '@wimse/core'
import { defaultRuntime, generateSigner, signCompactJws } from '@wimse/keys'
import { describe, expect, it } from 'vitest'
import { tokenName } from '../../src/suite/evidence.ts'
import { describeFinding, scanForSecrets } from '../../src/suite/secret-scan.ts'

const runtime = defaultRuntime()
const { signer, exportPrivateJwk } = await generateSigner('ES256', runtime)
const token = await signCompactJws({ typ: 'wit+jwt', kid: 'k' }, { sub: 'spiffe://shop.example/orders' }, signer)
const detached = token.replace(/\.[^.]*\./, '..')
const spaced = `${formatBase64url(Buffer.from('{ "alg": "ES256" }'))}.${token.split('.').slice(1).join('.')}`
const signature = Buffer.from(await signer.sign(new Uint8Array(3))).toString('base64')
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed = generateKeyPairSync('ed25519')
const der = (key: typeof ec.privateKey, type: 'pkcs8' | 'sec1' | 'pkcs1'): Buffer => key.export({ type, format: 'der' })

function kindsIn(text: string): readonly string[] {
  return scanForSecrets([{ name: 'text', text }]).map(({ kind }) => kind)
}

describe('scanForSecrets finds', () => {
  it.each([
    ['a token', token, 'token'],
    ['a token in JSON', JSON.stringify({ authorization: `Bearer ${token}` }), 'token'],
    ['a token in a header', `workload-identity-token: ${token}\r\n`, 'token'],
    ['a token in a URL', `https://a.example/?t=${token}&b=1`, 'token'],
    ['a token with something glued to its front', `token_${token}`, 'token'],
    ['a token at the end of a sentence', `It was ${token}.`, 'token'],
    ['a detached token', detached, 'token'],
    ['a token with white space in its header', spaced, 'token'],
    ['a signature of a message', `signature: wimse=:${signature}:`, 'signature'],
    ['PKCS#8 in PEM', ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'private key (PEM)'],
    ['SEC 1 in PEM', ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString(), 'private key (PEM)'],
    ['the head of an encrypted key', '-----BEGIN ENCRYPTED PRIVATE KEY-----', 'private key (PEM)'],
    ['PKCS#8 in base64', `{"key":"${der(ec.privateKey, 'pkcs8').toString('base64')}"}`, 'private key (DER)'],
    ['PKCS#8 in base64url', der(ec.privateKey, 'pkcs8').toString('base64url'), 'private key (DER)'],
    ['PKCS#8 in hexadecimal', der(ec.privateKey, 'pkcs8').toString('hex'), 'private key (DER)'],
    ['PKCS#8 of RSA', der(rsa.privateKey, 'pkcs8').toString('base64'), 'private key (DER)'],
    ['PKCS#8 of Ed25519', der(ed.privateKey, 'pkcs8').toString('base64'), 'private key (DER)'],
    ['SEC 1 in base64', der(ec.privateKey, 'sec1').toString('base64'), 'private key (DER)'],
    ['PKCS#1 in base64', der(rsa.privateKey, 'pkcs1').toString('base64'), 'private key (DER)'],
    ['a private JWK', JSON.stringify(exportPrivateJwk()), 'private key (JWK)'],
    ['a private JWK as a string in JSON', JSON.stringify({ key: JSON.stringify(exportPrivateJwk()) }), 'private key (JWK)'],
    ['a private JWK as it is inspected', `{ kty: 'EC', d: '${String(exportPrivateJwk()['d'])}' }`, 'private key (JWK)'],
  ])('%s', (_what, text, kind) => {
    expect(kindsIn(text)).toContain(kind)
  })
})

describe('scanForSecrets finds nothing in', () => {
  it.each([
    ['the name of a token', tokenName('wit', token)],
    ['header and claims without a signature', token.split('.').slice(0, 2).join('.')],
    ['a host name', 'payments.shop.example.internal-service-with-a-long-name'],
    ['a public JWK', JSON.stringify(signer.publicJwk)],
    ['a public key', ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['a public RSA key', rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')],
    ['an ECDSA signature in DER', 'MEUCIQDx2xkX3xkq0yq1yq1yq1yq1yq1yq1yq1yq1yq1yq1yqAIgY1yq1yq1yq1yq1yq1yq1yq1yq1yq1yq1yq1yq1w='],
    [
      'digests',
      `content-digest: sha-256=:TUu+Wcaq0iRCzeGZpqil8DRAX814+1qBwk7ySd4cRfE=:, sha-512=:${Buffer.alloc(64, 7).toString('base64')}:`,
    ],
    ['a hash', `sha256:${'3082'.repeat(16)}`],
    ['a signature base', '"@signature-params": ("@method");created=1;nonce="9XezMVRdm3k2HHFIqJTuNA"'],
  ])('%s', (_what, text) => {
    expect(kindsIn(text)).toEqual([])
  })
})

describe('a finding', () => {
  it('names the place and shows nothing of what was found', () => {
    const [finding, ...others] = scanForSecrets([{ name: 'log', text: `one\ntwo ${token}` }])
    expect(others).toEqual([])
    expect(finding).toMatchObject({ where: 'log', line: 2, kind: 'token' })
    const line = finding === undefined ? '' : describeFinding(finding)
    for (const part of token.split('.')) expect(line).not.toContain(part)
  })
})
