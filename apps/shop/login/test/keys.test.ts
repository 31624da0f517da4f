import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProvider } from '../src/create-provider.ts'
import { decodeLoginConfig } from '../src/login-config.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'login-keys-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function providerWith(content: string): Promise<unknown> {
  const keyFile = join(directory, 'keys.json')
  await writeFile(keyFile, content)
  const sample = {
    origin: 'https://login.shop.example',
    client: { id: 'web', redirectUri: 'https://web.shop.example/signed-in' },
    resources: ['https://storefront.shop.example'],
    scope: ['shop:browse'],
    users: { ada: { password: 'sample-password-of-ada' } },
    keyFile,
  }
  return createProvider(decodeLoginConfig(sample))
}

describe('a file with the key', () => {
  test('is used', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const keys = [{ ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' }]
    await expect(providerWith(JSON.stringify({ keys }))).resolves.toBeDefined()
  })

  const faults: readonly (readonly [title: string, content: string])[] = [
    ['no JSON', 'secret'],
    ['no keys', '{"keys":[]}'],
    ['no key', '{"keys":[{"kty":"EC","crv":"P-256","x":"secret","y":"secret","d":"secret"}]}'],
    ['no private key', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'],
  ]
  test.each(faults)('that holds %s is refused without a word of what it holds', async (_title, content) => {
    const refusal: unknown = await providerWith(content).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ERR_OPTIONS_INVALID', detail: 'keyFile' })
    expect(String(refusal)).not.toContain('secret')
  })
})
