import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority, createTestRuntime, startFakeWorkloadApi } from '@wimse/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const main = join(import.meta.dirname, '../src/main.ts')
const node = ['--conditions=wimse-source', main]
const least = {
  trustDomain: 'shop.example',
  issuer: 'https://tokens.shop.example',
  listen: { host: '127.0.0.1', port: 0 },
  clients: { admit: ['spiffe://shop.example/*'] },
}
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'token-service-main-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

function run(...args: readonly string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...node, ...args], (_error, out, err) => resolve({ status: child.exitCode ?? -1, out, err }))
  })
}

async function configFile(value: unknown): Promise<string> {
  const path = join(directory, 'config.json')
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

describe('the command', () => {
  it('explains itself', async () => {
    const { status, out } = await run('--help')
    expect(status).toBe(0)
    expect(out).toContain('--config')
  })

  it.each([
    ['no configuration', []],
    ['an unknown option', ['--nonsense']],
    ['a file that is not there', ['--config', '/nowhere/config.json']],
  ])('ends with 2 for %s', async (_title, args) => {
    expect((await run(...args)).status).toBe(2)
  })

  it.each([
    ['no JSON', '{', '--config'],
    ['faults inside', { ...least, listen: { host: 'x', port: -1 }, issuer: 7 }, 'listen.port'],
    ['a file with keys that is not there', { ...least, keys: { file: '/nowhere/keys.json' } }, 'keys.file'],
  ])('ends with 2 and names the path for a configuration with %s', async (_title, value, path) => {
    const { status, err } = await run('--config', await configFile(value))
    expect(status).toBe(2)
    expect(err).toContain(path)
  })

  // The command goes by the system's clock, so here the authority does too.
  it('serves until it is told to stop', async () => {
    const authority = await createTestAuthority({ trustDomain: 'shop.example', runtime: createTestRuntime({ now: Date.now() }) })
    const api = await startFakeWorkloadApi({ authority, identities: [{ identifier: 'spiffe://shop.example/token-service' }] })
    try {
      const path = await configFile({ ...least, workloadApi: api.address })
      expect((await run('--config', path, '--check')).status).toBe(0)
      const child = spawn(process.execPath, [...node, '--config', path], { stdio: ['ignore', 'ignore', 'pipe'] })
      let log = ''
      const status = new Promise<number | null>((resolve) => child.once('exit', resolve))
      for await (const chunk of child.stderr) {
        log += String(chunk)
        if (log.includes('"service.ready"') && !child.killed) child.kill('SIGTERM')
      }
      expect(await status).toBe(0)
      expect(log).toContain('"service.stopped"')
    } finally {
      await api.close()
    }
  })
})
