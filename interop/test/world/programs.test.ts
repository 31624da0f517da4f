import { describe, expect, it } from 'vitest'
import { evidenceOfCall } from '../../src/checks/expect-answer.ts'
import { findFreePorts } from '../../src/spire/free-port.ts'
import { scanForSecrets } from '../../src/suite/secret-scan.ts'
import { nameTokens } from '../../src/workload/redact.ts'
import { linesOf } from '../../src/world/log-lines.ts'
import { residentBytesIn } from '../../src/world/process-program.ts'
import { planOf } from '../../src/world/sample-world.ts'
import { startBounded } from '../../src/world/start-bounded.ts'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const TOKEN = `${part({ alg: 'ES256', typ: 'txntoken+jwt' })}.${part({ sub: 'user:ada' })}.${'s'.repeat(86)}`

describe('startBounded', () => {
  it('begins no more than it may at a time, and gives results in the order of the items', async () => {
    let running = 0
    let most = 0
    const results = await startBounded([3, 1, 2, 5, 4], 2, async (item) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve()
      running -= 1
      return item * 10
    })
    expect(results).toEqual([30, 10, 20, 50, 40])
    expect(most).toBe(2)
  })

  it('begins nothing after a failure, and waits for what was begun', async () => {
    const begun: number[] = []
    const ended: number[] = []
    const starting = startBounded([1, 2, 3, 4], 2, async (item) => {
      begun.push(item)
      if (item === 1) throw new Error('first')
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
      ended.push(item)
    })
    await expect(starting).rejects.toThrow('first')
    expect(begun).toEqual([1, 2])
    expect(ended).toEqual([2])
  })
})

describe('findFreePorts', () => {
  it('gives no port twice, however it is asked', async () => {
    const asked = await Promise.all(Array.from({ length: 20 }, () => findFreePorts(3)))
    const ports = asked.flat()
    expect(new Set(ports).size).toBe(60)
  })
})

describe('evidence of calls', () => {
  it('has no body that a caller was given', () => {
    const result = { outcome: 'answered', status: 200, durationMs: 1, evidence: {}, body: `{"access_token":"${TOKEN}"}` } as const
    expect(evidenceOfCall(result)).toEqual({ outcome: 'answered', status: 200, durationMs: 1, evidence: {} })
  })

  it.each([
    ['a form', `subject_token=${TOKEN}&audience=shop.example`],
    ['an answer', `{"access_token":"${TOKEN}","token_type":"N_A"}`],
    ['two of them', `${TOKEN} ${TOKEN}`],
  ])('names the tokens in %s by their hash', (_title, text) => {
    const named = nameTokens(text)
    expect(scanForSecrets([{ name: 'text', text }])).not.toEqual([])
    expect(scanForSecrets([{ name: 'named', text: named }])).toEqual([])
    expect(named).toContain('«token sha256:')
    expect(named).not.toContain(TOKEN.slice(0, 20))
  })

  it('leaves other text alone', () => {
    const text = '{"iss":"https://tokens.shop.example:8443","file":"a.b.c","version":"1.2.3"}'
    expect(nameTokens(text)).toBe(text)
  })
})

describe('linesOf', () => {
  it('takes the objects among the lines of a log', () => {
    expect(linesOf('{"event":"hop"}\nError: at x\n[1]\n{"event":\n\n{"event":"b"}')).toEqual([{ event: 'hop' }, { event: 'b' }])
  })
})

describe('residentBytesIn', () => {
  it('reads VmRSS', () => {
    expect(residentBytesIn('Name:\tnode\nVmHWM:\t  200 kB\nVmRSS:\t  131205 kB\nRssAnon:\t 1 kB\n')).toBe(131_205 * 1024)
  })

  it('throws where there is none', () => {
    expect(() => residentBytesIn('Name:\tkthreadd\n')).toThrow()
  })
})

describe('planOf', () => {
  it('leaves out whom the suite tells what to do, where only services are asked for', () => {
    expect(planOf('shop').workloads.length).toBeGreaterThan(0)
    expect(planOf('shop', { servicesOnly: true })).toEqual({ ...planOf('shop'), workloads: [] })
  })

  it('gives everybody of the world shop a name of its own', () => {
    const { services, workloads } = planOf('shop')
    const names = [...services, ...workloads].map(({ name, trustDomain }) => `${name} ${trustDomain}`)
    expect(new Set(names).size).toBe(names.length)
  })
})
