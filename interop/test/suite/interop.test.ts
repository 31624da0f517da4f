import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noSecretsChecks } from '../../src/checks/secrets/no-secrets.ts'
import type { Check } from '../../src/suite/check.ts'
import { interop } from '../../src/suite/interop.ts'
import { createOutput } from '../../src/suite/output.ts'
import type { Driver } from '../../src/world/driver.ts'
import { fakeCheck, fakeDriver } from './fake-driver.ts'

const TOKEN = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.e30.${'c2lnbmF0dXJl'.repeat(4)}`
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wimse-report-'))
})
afterAll(() => rm(directory, { recursive: true }))

interface Ran {
  readonly status: number
  readonly printed: readonly string[]
  readonly complaints: readonly string[]
  readonly reportDirectory: string
}

async function run(args: readonly string[], checks: readonly Check[], drivers: readonly Driver[] = [fakeDriver()]): Promise<Ran> {
  const output = createOutput(() => undefined)
  const complaints: string[] = []
  const reportDirectory = await mkdtemp(join(directory, 'run-'))
  const status = await interop({
    args,
    checks,
    drivers,
    expectedFailures: [],
    reportDirectory,
    output,
    complain: (message) => complaints.push(message),
    signal: new AbortController().signal,
  })
  return { status, printed: output.printed().split('\n'), complaints, reportDirectory }
}

const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true }).compile(
  JSON.parse(await readFile(join(import.meta.dirname, '../../report/report.schema.json'), 'utf8')) as object,
)

async function readReport({ reportDirectory }: Ran): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(reportDirectory, 'latest.json'), 'utf8')) as Record<string, unknown>
}

const checks = [
  fakeCheck('single-hop.wpt.accepted', {
    requirements: ['WPT-2-01'],
    run: async () => ({ call: { request: ['GET /', '<script>'], n: 1 } }),
  }),
  fakeCheck('single-hop.wpt.replayed', { kind: 'attack', run: () => Promise.reject(new Error('it was taken')) }),
]

describe('a run', () => {
  it('ends with the closing line and writes a report that fits its schema', async () => {
    const docker = fakeDriver({ name: 'docker', unavailable: { reason: 'no engine', how: 'install one' } })
    const ran = await run([], checks, [docker, fakeDriver()])
    expect(ran.status).toBe(1)
    expect(ran.printed.at(-1)).toBe('interop: 1 passed, 1 failed, 2 not run')
    const report = await readReport(ran)
    validate(report)
    expect(validate.errors).toBeNull()
    expect(report).toMatchObject({
      environment: {
        spire: { mode: 'embedded' },
        drivers: [{ driver: 'docker', available: false, reason: 'no engine' }, { driver: 'process' }],
      },
      summary: { passed: 1, failed: 1, notRun: 2 },
    })
  })

  it('writes a page that needs nothing else and in which nothing of the evidence is markup', async () => {
    const page = await readFile(join((await run([], checks)).reportDirectory, 'latest.html'), 'utf8')
    expect(page).toContain('&lt;script&gt;')
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|@import/)
    expect(page).toContain('prefers-color-scheme: dark')
  })

  it('is a success when all passed', async () => {
    const ran = await run(['--check', 'single-hop.wpt.accepted'], checks)
    expect(ran).toMatchObject({ status: 0, complaints: [] })
    expect(ran.printed).toContainEqual(expect.stringMatching(/^process single-hop\.wpt\.accepted passed \d+ ms$/))
  })

  it('is none when nothing could run', async () => {
    const ran = await run([], checks, [fakeDriver({ unavailable: { reason: 'no SPIRE', how: 'build it' } })])
    expect(ran.status).toBe(1)
    const report = await readReport(ran)
    expect(validate(report)).toBe(true)
    expect(report).toMatchObject({ environment: { spire: null } })
  })

  it('takes the embedded driver only where the others can not run, or when it was asked for', async () => {
    const none = { reason: 'none', how: 'none' }
    const embedded = fakeDriver({ name: 'embedded' })
    await run([], checks, [fakeDriver(), embedded])
    expect(embedded.events).toEqual([])
    await run([], checks, [fakeDriver({ unavailable: none }), embedded])
    expect(embedded.events).toContain('start main')
    const asked = fakeDriver({ name: 'embedded' })
    const other = fakeDriver()
    await run(['--driver', 'embedded'], checks, [other, asked])
    expect([other.events, asked.events.length > 0]).toEqual([[], true])
  })

  it('fails, and leaves no report, when a secret would be in it', async () => {
    const ran = await run([], [fakeCheck('single-hop.leak.one', { run: async () => ({ token: TOKEN }) })])
    expect(ran.status).toBe(1)
    expect(await readdir(ran.reportDirectory)).toEqual([])
    expect(ran.printed.join('\n')).not.toContain(TOKEN)
  })
})

describe('the check for secrets', () => {
  it.each([
    ['what the suite printed', {}, (log: (line: string) => void) => log(TOKEN)],
    ['what a process printed', { logs: `x ${TOKEN}` }, () => undefined],
    ['what was stored', { stored: `{"d":"${'A'.repeat(43)}"}` }, () => undefined],
  ])('finds what was planted in %s', async (_where, options, plant) => {
    const planted = fakeCheck('single-hop.planted.one', {
      async run({ log }) {
        plant(log)
        return {}
      },
    })
    const ran = await run([], [planted, ...noSecretsChecks], [fakeDriver(options)])
    expect(ran.printed).toContainEqual(expect.stringMatching(/^process single-hop\.secrets\.none failed/))
  })

  it('passes where there is nothing to find, and fails where there is nothing to read', async () => {
    const [first] = noSecretsChecks
    const only = first === undefined ? [] : [first, fakeCheck('single-hop.other.one')]
    expect((await run([], only)).status).toBe(0)
    expect((await run([], only, [fakeDriver({ logs: '' })])).status).toBe(1)
  })
})

describe('other commands', () => {
  it('lists', async () => {
    const { status, printed } = await run(['--list'], checks)
    expect(status).toBe(0)
    expect(printed.map((line) => line.split(' ')[0])).toEqual(['single-hop.wpt.accepted', 'single-hop.wpt.replayed'])
  })

  it('helps', async () => {
    const { status, printed } = await run(['--help'], checks)
    expect(status).toBe(0)
    expect(printed.join('\n')).toMatch(/--driver[\s\S]*--scenario[\s\S]*--check/)
  })

  it.each([[['--nonsense']], [['--check', 'single-hop.nothing']], [['--scenario', 'rotation']]])(
    'complains about %j with status 2',
    async (args) => {
      const { status, printed, complaints } = await run(args, checks)
      expect(status).toBe(2)
      expect(printed).toEqual([''])
      expect(complaints).toHaveLength(1)
    },
  )
})
