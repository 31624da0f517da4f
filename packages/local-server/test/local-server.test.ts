import { access } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findProgram, type ServerPlace, type ServerProgram, startLocalServer } from '../src/index.ts'

const PROGRAM: ServerProgram = {
  name: basename(process.execPath),
  variable: 'WIMSE_SAMPLE_SERVER',
  image: 'wimse.invalid/sample',
  usualPort: 1,
  ready: 'it listens',
}
const LISTEN =
  "require('net').createServer((socket) => socket.end('here')).listen(process.argv[1], '127.0.0.1', () => console.error('it listens'))"

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('finding a program', () => {
  it('takes the binary that the variable names, else the one in PATH', async () => {
    expect(await findProgram(PROGRAM, { WIMSE_SAMPLE_SERVER: process.execPath, PATH: '/nowhere' })).toEqual({ binary: process.execPath })
    expect(await findProgram(PROGRAM, { PATH: `/nowhere:${dirname(process.execPath)}` })).toEqual({ binary: process.execPath })
  })

  it('says why there is none', async () => {
    const missing = { missing: expect.any(String) }
    expect(await findProgram(PROGRAM, { WIMSE_SAMPLE_SERVER: '/nowhere', PATH: dirname(process.execPath) })).toEqual(missing)
    expect(await findProgram(PROGRAM, { PATH: '/nowhere' })).toEqual(missing)
  })
})

describe('starting a program', () => {
  it('waits until it serves, kills it, starts it again where it was, and leaves nothing', async () => {
    vi.stubEnv(PROGRAM.variable, process.execPath)
    const places: ServerPlace[] = []
    const server = await startLocalServer(PROGRAM, {
      options(place) {
        places.push(place)
        return ['-e', LISTEN, String(place.port)]
      },
    })
    expect(await answer(server.port)).toBe('here')
    await server.kill()
    await expect(answer(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.start()
    expect(await answer(server.port)).toBe('here')
    const [first, second] = places
    expect(second).toEqual(first)
    await access(first?.directory ?? '')
    await server.close()
    await expect(access(first?.directory ?? '')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('fails with one that ends, and without one', async () => {
    vi.stubEnv(PROGRAM.variable, process.execPath)
    await expect(startLocalServer(PROGRAM, { options: () => ['-e', ''] })).rejects.toThrow()
    vi.stubEnv(PROGRAM.variable, '/nowhere')
    await expect(startLocalServer(PROGRAM, { options: () => [] })).rejects.toThrow()
  })
})

function answer(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (octets) => {
      text += String(octets)
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
  })
}
