import { readFileSync } from 'node:fs'
import { createTestRuntime } from '@wimse/testing'
import { describe, expect, it } from 'vitest'
import { makeTransactionTokenVectors, type TransactionTokenVectors } from '../scripts/transaction-token-vectors.ts'
import { readTransactionTokenField, staticTokenServiceKeys, type VerifiedTransactionToken, verifyTransactionToken } from '../src/index.ts'

const text = readFileSync(new URL('../vectors/transaction-token.json', import.meta.url), 'utf8')
const { vectors, tokenServices, now, audience, clockToleranceSeconds, maxLifetimeSeconds } = JSON.parse(text) as TransactionTokenVectors
const runtime = createTestRuntime({ now: now * 1000 })
const keys = staticTokenServiceKeys(tokenServices, { runtime })

describe('vectors/transaction-token.json', () => {
  it('is what the generator makes', async () => {
    expect(JSON.parse(JSON.stringify(await makeTransactionTokenVectors(text)))).toEqual(JSON.parse(text))
  })

  it.each(vectors)('$title: $expect.result ($requirements)', async ({ fields, expect: expected }) => {
    const verify = async (): Promise<VerifiedTransactionToken> =>
      verifyTransactionToken(readTransactionTokenField(fields), { keys, audience, clockToleranceSeconds, maxLifetimeSeconds, runtime })
    if (expected.result === 'refused') await expect(verify()).rejects.toMatchObject({ code: expected.code, reason: expected.reason })
    else {
      const { result: _result, ...contents } = expected
      expect(await verify()).toMatchObject(contents)
    }
  })
})
