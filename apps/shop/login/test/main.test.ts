import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type JsonObject, parseStrictJsonObject } from '@wimse/core'
import { createTestAuthority, startFakeWorkloadApi } from '@wimse/testing'
import { afterEach, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const step of closers.splice(0).reverse()) await step()
})

/** The program, and the events that it has printed. */
async function run(config: JsonObject) {
  const directory = await mkdtemp(join(tmpdir(), 'login-'))
  closers.push(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'config.json')
  await writeFile(path, JSON.stringify(config))
  const child = spawn(process.execPath, ['--conditions=wimse-source', MAIN, path], { stdio: ['ignore', 'ignore', 'pipe'] })
  closers.push(() => child.kill('SIGKILL'))
  const events = createInterface(child.stderr)[Symbol.asyncIterator]()
  const next = async (): Promise<JsonObject> => parseStrictJsonObject(new TextEncoder().encode((await events.next()).value))
  return { child, next }
}

test('the program says when it is ready, logs nothing but JSON, and ends when told', async () => {
  const authority = await createTestAuthority({ trustDomain: 'shop.example' })
  const api = await startFakeWorkloadApi({ authority, identities: [{ identifier: 'spiffe://shop.example/login' }], wit: false })
  closers.push(() => api.close())
  const document = parseStrictJsonObject(await readFile(new URL('../config.json', import.meta.url)))
  const platform = { listen: { host: '127.0.0.1', port: 0 }, workloadApi: api.address }
  const { child, next } = await run({ ...document, platform })
  let line = await next()
  while (line['event'] === 'provider.notice') line = await next()
  expect(line).toMatchObject({ event: 'service.ready', service: 'login', issuer: 'https://login.shop.example' })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('a configuration with a fault ends it, with the member and without its value', async () => {
  const { child, next } = await run({ origin: 'http://login.shop.example' })
  expect(await next()).toMatchObject({ event: 'service.failed', code: 'ERR_OPTIONS_INVALID' })
  expect(await once(child, 'exit')).toEqual([1, null])
})
