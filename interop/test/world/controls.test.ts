import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { EntryOptions, SpireDomain } from '../../src/spire/spire-domain.ts'
import { waitUntil } from '../../src/spire/wait-until.ts'
import { type ProcessProgram, startProcessProgram } from '../../src/world/process-program.ts'
import { createRegistrar } from '../../src/world/registrar.ts'
import { planOf } from '../../src/world/sample-world.ts'
import { shopServices } from '../../src/world/shop-services.ts'
import type { RunningProgram } from '../../src/world/stage.ts'
import { startPrograms } from '../../src/world/start-programs.ts'

describe.skipIf(process.platform === 'win32')('a program of a world', () => {
  const undo: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  /** One that says its process every few milliseconds. */
  async function start(): Promise<ProcessProgram> {
    const directory = await mkdtemp(join(tmpdir(), 'wimse-controls-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const script = join(directory, 'program.mjs')
    await writeFile(script, "setInterval(() => console.log('pid', process.pid), 5)\nprocess.on('SIGTERM', () => process.exit(0))\n")
    const program = await startProcessProgram(process.execPath, [script], { logPath: join(directory, 'program.log') })
    undo.push(program.stop)
    return program
  }
  const lines = async ({ log }: ProcessProgram): Promise<readonly string[]> => (await log()).split('\n').filter((line) => line !== '')
  const more = async (program: ProcessProgram): Promise<readonly string[]> => {
    const before = (await lines(program)).length
    return waitUntil('more lines', async () => ((await lines(program)).length > before ? lines(program) : undefined), { timeoutMs: 10_000 })
  }

  it('is killed, which nobody holds against it before it is asked, and started again with its log going on', async () => {
    const program = await start()
    await more(program)
    await program.kill()
    await program.kill()
    await expect(program.assertAlive()).rejects.toMatchObject({ code: 'exited' })
    await program.start()
    await program.assertAlive()
    await waitUntil('a second process', async () => new Set(await lines(program)).size === 2, { timeoutMs: 10_000 })
  })

  it('goes on after it was paused, and ends when it is asked to while it is', async () => {
    const program = await start()
    await more(program)
    await program.pause()
    await program.pause()
    await program.assertAlive()
    await program.resume()
    await program.resume()
    await more(program)
    await program.pause()
    const began = performance.now()
    await program.stop()
    expect(performance.now() - began).toBeLessThan(4_000)
  })
})

describe('a service', () => {
  it('is started again when it has ended, and left as it is when it runs', async () => {
    let starts = 0
    let alive = false
    let printed = ''
    const begin = async (): Promise<void> => {
      starts += 1
      alive = true
      printed += '{"event":"service.ready"}\n'
    }
    const program: RunningProgram = {
      control: '',
      log: async () => printed,
      assertAlive: async () => {
        if (!alive) throw new Error('it has ended')
      },
      kill: async () => {
        alive = false
      },
      start: begin,
      pause: async () => undefined,
      resume: async () => undefined,
      residentBytes: async () => 0,
    }
    const place = {
      listen: '127.0.0.1',
      port: 1,
      controlPort: 2,
      workloadApi: 'unix:/nowhere',
      wit: { mode: 'native' },
      witBundles: [],
      write: async (name: string) => name,
      run: async () => {
        await begin()
        return program
      },
      unregister: async () => undefined,
      register: async () => undefined,
    } as const
    const plan = { ...planOf('shop'), workloads: [], services: shopServices.filter(({ name }) => name === 'fraud') }
    const { services } = await startPrograms(plan, { place: async () => place, addresses: () => undefined })
    await services.get('fraud')?.again()
    expect(starts).toBe(1)
    await program.kill()
    await services.get('fraud')?.again()
    expect(starts).toBe(2)
  })
})

describe('a registrar', () => {
  /** What SPIRE is told. */
  function domain(): { readonly spire: SpireDomain; readonly entries: Map<string, EntryOptions> } {
    const entries = new Map<string, EntryOptions>()
    let made = 0
    const administration: Partial<SpireDomain> = {
      createEntry: async (entry) => {
        made += 1
        entries.set(`entry-${made}`, entry)
        return { id: `entry-${made}` } as Awaited<ReturnType<SpireDomain['createEntry']>>
      },
      deleteEntry: async (id) => {
        entries.delete(id)
      },
    }
    return { spire: administration as SpireDomain, entries }
  }
  const entryOf = (name: string, slot: string) => ({ spiffeId: `spiffe://shop.example/${name}`, selectors: [`unix:path:${slot}`] })
  const shown = (entries: Map<string, EntryOptions>) =>
    [...entries.values()]
      .map(({ spiffeId, parentId = 'agent', selectors }) => `${spiffeId.slice(21)} ${parentId} ${selectors.join()}`)
      .sort()

  it('registers each program with the agent, and each identifier once with the WIT agent; takes both away, and gives both back', async () => {
    const { spire, entries } = domain()
    const registrar = createRegistrar()
    const [first, second, other] = [
      registrar(spire, 'wit', entryOf('settlement', '1')),
      registrar(spire, 'wit', entryOf('settlement', '2')),
      registrar(spire, 'wit', entryOf('orders', '3')),
    ]
    await Promise.all([first.register(), second.register(), other.register()])
    const [minted] = shown(entries).filter((line) => line.startsWith('/settlement wit'))
    const all = [
      '/orders agent unix:path:3',
      '/orders wit unix:path:3',
      '/settlement agent unix:path:1',
      '/settlement agent unix:path:2',
      minted,
    ]
    expect(shown(entries)).toEqual(all.sort())
    await first.unregister()
    await first.unregister()
    expect(shown(entries)).toEqual(['/orders agent unix:path:3', '/orders wit unix:path:3', '/settlement agent unix:path:2'])
    await first.register()
    await first.register()
    expect(shown(entries).filter((line) => line.startsWith('/settlement agent'))).toEqual([
      '/settlement agent unix:path:1',
      '/settlement agent unix:path:2',
    ])
    expect(shown(entries).filter((line) => line.startsWith('/settlement wit'))).toHaveLength(1)
  })
})
