import { errorTable, WimseError } from '@wimse/core'
import { createTestAuthority, createTestRuntime } from '@wimse/testing'
import type { WitCredential } from '@wimse/wit'
import { beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../src/index.ts'
import { keyOfRequest } from '../src/key-of-request.ts'

const runtime = createTestRuntime()
let credentials: readonly [WitCredential, WitCredential]
let newest: WitCredential | undefined

beforeEach(async () => {
  const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const issue = async (): Promise<WitCredential> =>
    (await authority.issueWit('spiffe://shop.example/payments', { lifetimeSeconds: 60 })).credential
  credentials = [await issue(), await issue()]
  newest = credentials[0]
})

function use(credential: WitCredential | undefined): void {
  newest = credential
}

function sourceOfKeys() {
  const current = (): WitCredential => {
    if (newest === undefined) throw new WimseError('ERR_CREDENTIAL_UNAVAILABLE')
    return newest
  }
  return keyOfRequest({ current, onRotate: () => () => undefined, ready: async () => undefined, close: () => undefined }, runtime)
}

/** What a handler gets before and after something happened. */
async function around(change: () => void): Promise<readonly unknown[]> {
  const source = sourceOfKeys()
  const seen: unknown[] = []
  const app = createApp('payments', () => undefined, runtime)
  app.get('/', (c) => {
    seen.push(source.current().token)
    change()
    seen.push(source.current().token)
    return c.text('')
  })
  const { status } = await app.request('/')
  return [status, ...seen]
}

describe('the key of a request', () => {
  it('stays when a WIT rotates in the middle of it', async () => {
    const [{ token }] = credentials
    expect(await around(() => use(credentials[1]))).toEqual([200, token, token])
  })

  it('is the newest at the next request, and outside of any', async () => {
    const source = sourceOfKeys()
    expect(source.current()).toBe(credentials[0])
    newest = credentials[1]
    expect(source.current()).toBe(credentials[1])
    expect(await around(() => undefined)).toEqual([200, credentials[1].token, credentials[1].token])
  })

  it('is given up when its WIT is about to end', async () => {
    const ended = around(() => {
      runtime.advance(56)
      newest = credentials[1]
    })
    expect(await ended).toEqual([200, credentials[0].token, credentials[1].token])
  })

  it('is given up when the credential is withdrawn', async () => {
    expect(await around(() => use(undefined))).toEqual([errorTable.ERR_CREDENTIAL_UNAVAILABLE.status, credentials[0].token])
  })
})
