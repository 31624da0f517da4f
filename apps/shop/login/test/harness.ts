import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { parseStrictJsonObject } from '@wimse/core'
import { createTestAuthority, startFakeWorkloadApi, type TestAuthority, trustAuthorities } from '@wimse/testing'
import { decodeLoginConfig } from '../src/login-config.ts'
import { type Login, startLogin } from '../src/start-login.ts'
import { type SignInOptions, signIn, type UserFetch, userFetch } from '../src/user.ts'

export const STOREFRONT = 'https://storefront.shop.example'
export const CONCIERGE = 'https://concierge.shop.example'
export const ADA = { user: 'ada', password: 'sample-password-of-ada' }

/** The identity provider on loopback, and somebody who calls it. */
export interface World {
  readonly issuer: string
  readonly authority: TestAuthority
  readonly login: Login
  readonly fetch: UserFetch
  readonly lines: string[]
  signIn(options?: Partial<SignInOptions>): Promise<string>
  close(): Promise<void>
}

/** The provider reads the system's clock, and so does everything around it here. */
export async function createWorld(): Promise<World> {
  const authority = await createTestAuthority({ trustDomain: 'shop.example' })
  const identities = [{ identifier: 'spiffe://shop.example/login', dnsNames: ['login.shop.example'] }]
  const api = await startFakeWorkloadApi({ authority, identities, wit: false })
  const port = await freePort()
  const issuer = `https://login.shop.example:${port}`
  const document = parseStrictJsonObject(await readFile(new URL('../config.json', import.meta.url)))
  const platform = { listen: { host: '127.0.0.1', port }, workloadApi: api.address }
  const lines: string[] = []
  const config = decodeLoginConfig({ ...document, origin: issuer, platform })
  const login = await startLogin(config, (event, fields) => lines.push(JSON.stringify({ event, ...fields })))
  const fetch = userFetch({
    trust: trustAuthorities([authority]),
    peers: { [issuer]: 'spiffe://shop.example/login' },
    lookup: (_name, options, done) =>
      options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
  })
  return {
    issuer,
    authority,
    login,
    fetch,
    lines,
    signIn: (options = {}) => signIn({ issuer, resource: STOREFRONT, scope: ['shop:browse', 'shop:order'], ...ADA, fetch, ...options }),
    async close() {
      fetch.close()
      await login.close()
      await api.close()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
