import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findFreePorts } from '../../src/spire/free-port.ts'
import { createProcessSlot, createUidSequence, isReadableByAnyone, shareExecutable } from '../../src/spire/process-slots.ts'
import { startProcess } from '../../src/spire/running-process.ts'
import { waitUntil } from '../../src/spire/wait-until.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wimse-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe('startProcess', () => {
  it('writes what the process prints to the log, and ends it', async () => {
    const running = await startProcess(process.execPath, ['-e', 'console.log("ready"); setInterval(() => {}, 1000)'], {
      logPath: join(directory, 'log'),
    })
    await waitUntil('the line', async () => (await running.log()).includes('ready'), { timeoutMs: 5_000, intervalMs: 10 })
    await running.assertAlive()
    await running.stop()
    expect(isGone(running.pid)).toBe(true)
    await running.stop()
  })

  it('says that a process ended by itself, and with which last words', async () => {
    const running = await startProcess(process.execPath, ['-e', 'console.error("no configuration")'], {
      logPath: join(directory, 'log'),
    })
    const abandoned = waitUntil('the impossible', async () => false, {
      timeoutMs: 5_000,
      intervalMs: 10,
      abandon: running.assertAlive,
    })
    await expect(abandoned).rejects.toMatchObject({ code: 'exited', message: expect.stringContaining('no configuration') })
  })

  it('refuses a program that is not there', async () => {
    const missing = startProcess(join(directory, 'missing'), [], { logPath: join(directory, 'log') })
    await expect(missing).rejects.toMatchObject({ code: 'command-failed' })
  })

  it('gives the process no environment but what it was given', async () => {
    const script = 'console.log(JSON.stringify(Object.keys(process.env).sort()))'
    const running = await startProcess(process.execPath, ['-e', script], {
      logPath: join(directory, 'log'),
      env: { SSL_CERT_FILE: '/ca.pem' },
    })
    const line = await waitUntil('the line', async () => (await running.log()).trim() || undefined, { timeoutMs: 5_000 })
    expect(JSON.parse(line)).toEqual(['PATH', 'SSL_CERT_FILE'])
    await running.stop()
  })
})

describe('waitUntil', () => {
  it('counts a failure as not yet', async () => {
    let tries = 0
    const probe = async (): Promise<string> => {
      tries += 1
      if (tries < 3) throw new Error('not yet')
      return 'now'
    }
    await expect(waitUntil('it', probe, { timeoutMs: 5_000, intervalMs: 1 })).resolves.toBe('now')
  })

  it('gives up, and keeps the last failure as cause', async () => {
    const last = new Error('never')
    const waiting = waitUntil('it', () => Promise.reject(last), { timeoutMs: 5, intervalMs: 1 })
    await expect(waiting).rejects.toMatchObject({ code: 'timeout', cause: last })
  })
})

describe('findFreePorts', () => {
  it('finds different ports', async () => {
    expect(new Set(await findFreePorts(5)).size).toBe(5)
  })
})

describe('createProcessSlot', () => {
  it('gives workloads of one user executables of their own', async () => {
    const options = { directory, workloadApi: 'unix:///w.sock', uids: createUidSequence(), program: process.execPath, ownUsers: false }
    const [orders, fraud] = await Promise.all([createProcessSlot('orders', options), createProcessSlot('fraud', options)])
    expect(orders.selectors).toEqual([`unix:path:${join(directory, 'orders', 'node')}`])
    expect(fraud.selectors).not.toEqual(orders.selectors)
    expect((await stat(orders.executable)).mode & 0o111).toBe(0o111)
    expect((await stat(fraud.executable)).size).toBe((await stat(process.execPath)).size)
  })

  it.runIf(process.getuid?.() === 0)('gives workloads users of their own', async () => {
    const options = { directory, workloadApi: 'unix:///w.sock', uids: createUidSequence(58_500), program: process.execPath, ownUsers: true }
    const slot = await createProcessSlot('orders', options)
    expect(slot).toMatchObject({ uid: 58_500, gid: 58_500, selectors: ['unix:uid:58500'] })
    expect((await stat(slot.directory)).uid).toBe(58_500)
    expect((await createProcessSlot('fraud', options)).uid).toBe(58_501)
  })
})

describe('isReadableByAnyone', () => {
  it.each([
    ['a file that is open, in directories that are', 0o755, 0o644, true],
    ['a file behind a closed directory', 0o700, 0o644, false],
    ['a closed file', 0o755, 0o600, false],
  ])('%s', async (_title, directoryMode, fileMode, expected) => {
    await chmod(directory, 0o755)
    const inner = join(directory, 'inner')
    await mkdir(inner)
    const file = join(inner, 'file')
    await writeFile(file, '')
    await chmod(file, fileMode)
    await chmod(inner, directoryMode)
    await expect(isReadableByAnyone(file)).resolves.toBe(expected)
  })
})

describe('shareExecutable', () => {
  it('opens a copy to everybody, and leaves the original as it was', async () => {
    const source = join(directory, 'program')
    await writeFile(source, '#!/bin/sh\n')
    await chmod(source, 0o500)
    const shared = await shareExecutable(source, join(directory, 'shared'))
    expect((await stat(shared)).mode & 0o777).toBe(0o755)
    expect((await stat(source)).mode & 0o777).toBe(0o500)
  })
})
