import { type ClientHttp2Session, connect } from 'node:http2'
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { createWitSource, createX509Source, openWorkloadApi } from '@wimse/workload-api'
import { SpiffeWorkloadAPI } from '@wimse/workload-api/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { createTestAuthority, createTestRuntime, type FakeWorkloadApi, startFakeWorkloadApi } from '../src/index.ts'

const ORDERS = 'spiffe://shop.example/orders'
const closing: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close()
})

async function start(options: { readonly rotateAfter?: number; readonly wit?: boolean } = {}) {
  const runtime = createTestRuntime()
  const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime })
  const fake: FakeWorkloadApi = await startFakeWorkloadApi({ authority, identities: [{ identifier: ORDERS }], listen: 'tcp', ...options })
  closing.push(fake)
  return { runtime, authority, fake }
}

/** A client of the protocol as any other implementation has one. */
function transportOf(fake: FakeWorkloadApi): Transport {
  return createGrpcTransport({ baseUrl: fake.address.replace('tcp:', 'http:'), idleConnectionTimeoutMs: 100 })
}

async function statusOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error) => Code[ConnectError.from(error).code],
  )
}

describe('a fake Workload API', () => {
  it.each([
    ['the security header', { 'workload.spiffe.io': 'true' }, 'OK'],
    ['no security header', {}, 'InvalidArgument'],
    ['the security header in upper case', { 'workload.spiffe.io': 'TRUE' }, 'InvalidArgument'],
    ['another value of it', { 'workload.spiffe.io': 'false' }, 'InvalidArgument'],
  ])('WLEP-3-07 WLEP-6-01 WLEP-3.1-01: answers a request with %s', async (_title, headers, status) => {
    const { fake } = await start()
    const client = createClient(SpiffeWorkloadAPI, transportOf(fake))
    expect(await statusOf(client.fetchJWTSVID({ audience: ['a'] }, { headers }))).toBe(status)
  })

  it.each([
    ['WLAPI-4.5-01: no audience', { audience: [] }, 'InvalidArgument'],
    ['WLAPI-6.2.1-08: the identity of another workload', { audience: ['a'], spiffeId: 'spiffe://shop.example/other' }, 'PermissionDenied'],
    ['WLAPI-6.2.1-03: all identities', { audience: ['a'] }, 'OK'],
  ])('judges a request for a JWT-SVID, %s', async (_title, request, status) => {
    const { fake } = await start()
    const client = createClient(SpiffeWorkloadAPI, transportOf(fake))
    expect(await statusOf(client.fetchJWTSVID(request, { headers: { 'workload.spiffe.io': 'true' } }))).toBe(status)
  })

  it('speaks no protocol but gRPC over HTTP/2', async () => {
    const { fake } = await start()
    const session: ClientHttp2Session = connect(fake.address.replace('tcp:', 'http:'))
    const status = await new Promise((resolve, reject) => {
      const request = session.request({
        ':method': 'POST',
        ':path': '/SpiffeWorkloadAPI/FetchX509SVID',
        'content-type': 'application/json',
      })
      request.on('response', (headers) => resolve(headers[':status']))
      request.on('error', reject)
      request.end('{}')
    })
    session.destroy()
    expect(status).toBe(415)
  })

  it('WLAPI-4.3-02: issues anew when the part of the shortest life is gone that it was told', async () => {
    const { fake, runtime } = await start({ rotateAfter: 0.5 })
    const api = openWorkloadApi({ address: fake.address, runtime })
    closing.push(api)
    const source = createX509Source({ api })
    await source.ready()
    const rotated = new Promise((resolve) => source.onRotate(resolve))
    expect(await runtime.nextDelay()).toBe(150_000)
    runtime.advance(150)
    expect(await rotated).toBe(source.current())
    expect(source.current().notAfter).toBe(runtime.now() / 1000 + 3600)
  })

  it('WLAPI-7-01 WLAPI-7.1-02: serves the WIT profile or does not', async () => {
    const { fake, runtime } = await start({ wit: false })
    const api = openWorkloadApi({ address: fake.address, runtime })
    closing.push(api)
    await expect(createWitSource({ api }).ready()).rejects.toMatchObject({ code: 'ERR_WORKLOAD_API_UNIMPLEMENTED' })
    await createX509Source({ api }).ready()
  })
})
