import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isWimseError, parseWorkloadIdentifier, trustDomainOf, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AgentState, fileState, formatState, memoryState, parseState, STATE_FILE } from '../src/spire/state-file.ts'

const identifier = parseWorkloadIdentifier('spiffe://shop.example/spire/agent/join_token/a')
const octets = fc.uint8Array({ minLength: 1, maxLength: 40 })
const states: fc.Arbitrary<AgentState> = fc.record(
  {
    anchors: fc.array(octets, { maxLength: 3 }),
    bundleSequence: fc.nat(),
    bootstrapDigest: fc.string(),
    joinTokenDigest: fc.string(),
    node: fc.record({
      identifier: fc.constant(identifier),
      trustDomain: fc.constant(trustDomainOf(identifier)),
      chain: fc.array(octets, { minLength: 1, maxLength: 3 }),
      privateKey: octets,
      notAfter: fc.nat(),
      renewAt: fc.nat(),
    }),
  },
  { requiredKeys: ['anchors', 'bundleSequence'] },
)

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wit-agent-state-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('the state of a WIT agent', () => {
  it('comes back from its document as it was', () => {
    const plain = (state: AgentState): unknown => JSON.parse(JSON.stringify(state))
    fc.assert(
      fc.property(states, (state) => {
        expect(plain(parseState(utf8(formatState(state))))).toEqual(plain(state))
      }),
    )
  })

  it('is refused with a code that tells nothing of it, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (content) => {
        try {
          parseState(content)
          return false
        } catch (error) {
          return isWimseError(error, 'ERR_OPTIONS_INVALID') && error.cause === undefined
        }
      }),
    )
  })

  it('is kept in a file for its owner alone', async () => {
    const store = fileState(join(directory, 'data'))
    expect(await store.load()).toEqual({ anchors: [], bundleSequence: 0 })
    await store.save({ anchors: [], bundleSequence: 7 })
    await store.save({ anchors: [], bundleSequence: 8 })
    expect((await stat(join(directory, 'data', STATE_FILE))).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'data'))).mode & 0o777).toBe(0o700)
    expect(await store.load()).toEqual({ anchors: [], bundleSequence: 8 })
  })

  it('is not read from a file that is open to others', async () => {
    const path = join(directory, STATE_FILE)
    await writeFile(path, formatState({ anchors: [], bundleSequence: 1 }))
    await chmod(path, 0o640)
    await expect(fileState(directory).load()).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' })
  })

  it('lives in memory where there is no directory', async () => {
    const store = memoryState()
    await store.save({ anchors: [], bundleSequence: 3 })
    expect(await store.load()).toEqual({ anchors: [], bundleSequence: 3 })
  })
})
