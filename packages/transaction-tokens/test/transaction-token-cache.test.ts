import { parseTrustDomain } from '@wimse/core'
import type { Signer } from '@wimse/keys'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createTransactionTokenVerifier,
  parseTokenServiceKeys,
  type TransactionTokenKeys,
  type TransactionTokenVerifier,
  type VerifyTransactionTokenOptions,
} from '../src/index.ts'
import { codeOf, countingRuntime, createWorld, jwksOf, SHOP, signerOf, type World } from './support/world.ts'

interface Setup {
  readonly verify: TransactionTokenVerifier
  verifications(): number
  /** From now on these are the keys. */
  publish(keys: Readonly<Record<string, Signer>>): void
  /** What a refresh does. */
  onRefresh(step: () => void): void
}

let world: World
beforeEach(async () => {
  world = await createWorld()
})

function setup(options: Partial<VerifyTransactionTokenOptions> = {}): Setup {
  const { runtime, verifications } = countingRuntime(world.runtime)
  const read = (keys: Readonly<Record<string, Signer>>) => parseTokenServiceKeys(jwksOf(keys), { runtime })
  let authorities = read({ '1': world.service })
  let answer = (): void => undefined
  const keys: TransactionTokenKeys = {
    current(trustDomain) {
      expect(trustDomain).toBe(parseTrustDomain(SHOP))
      return authorities
    },
    async refresh() {
      const before = authorities
      answer()
      return authorities !== before
    },
  }
  return {
    verify: createTransactionTokenVerifier({ keys, audience: SHOP, runtime, ...options }),
    verifications,
    publish(signers) {
      authorities = read(signers)
    },
    onRefresh(step) {
      answer = step
    },
  }
}

describe('a transaction token that was seen', () => {
  it('costs no signature, and is the same object', async () => {
    const { verify, verifications } = setup()
    const token = await world.forge()
    expect(await verify(token)).toBe(await verify(`${token}`))
    expect(verifications()).toBe(1)
  })

  it('TXN-12.2-04: is refused once it has expired', async () => {
    const { verify } = setup()
    const token = await world.forge()
    expect(await codeOf(verify(token))).toBe('ok')
    world.runtime.advance(59.999)
    expect(await codeOf(verify(token))).toBe('ok')
    world.runtime.advance(0.001)
    expect(await codeOf(verify(token))).toBe('ERR_TXN_EXPIRED')
  })

  it('TXN-12.2-02, TXN-13.11-01: is verified again after a change of keys, and refused when its own is gone', async () => {
    const { verify, verifications, publish } = setup()
    const token = await world.forge()
    await verify(token)
    publish({ '1': world.service, '2': await signerOf('next') })
    expect(await codeOf(verify(token))).toBe('ok')
    expect(verifications()).toBe(2)
    publish({ '2': await signerOf('next') })
    expect(await codeOf(verify(token))).toBe('ERR_TXN_KEY_UNKNOWN')
    publish({ '1': await signerOf('next') })
    expect(await codeOf(verify(token))).toBe('ERR_TXN_SIGNATURE')
  })

  it('TXN-12.2-02: says nothing about one that differs in its signature alone', async () => {
    const { verify } = setup()
    const token = await world.forge()
    await verify(token)
    const other = await world.forge({ signer: await signerOf('other') })
    expect(await codeOf(verify(other))).toBe('ERR_TXN_SIGNATURE')
    expect(await codeOf(verify(token))).toBe('ok')
  })

  it.each([
    [0, 4],
    [1, 4],
    [2, 2],
  ])('of at most %i remembered ones costs %i signatures for two tokens twice', async (cacheSize, expected) => {
    const { verify, verifications } = setup({ cacheSize })
    const tokens = [await world.forge(), await world.forge({ claims: { txn: 'other' } })]
    for (const token of [...tokens, ...tokens]) await verify(token)
    expect(verifications()).toBe(expected)
  })

  it('is not remembered when it is refused', async () => {
    const { verify, verifications } = setup()
    const token = await world.forge({ claims: { aud: 'bank.example' } })
    for (let count = 0; count < 2; count += 1) expect(await codeOf(verify(token))).toBe('ERR_TXN_AUD')
    expect(verifications()).toBe(2)
  })
})

describe('TXN-13.11-01: a key that is not known yet', () => {
  it('is asked for', async () => {
    const { verify, publish, onRefresh } = setup()
    const next = await signerOf('next')
    const token = await world.forge({ header: { kid: '2' }, signer: next })
    expect(await codeOf(verify(token))).toBe('ERR_TXN_KEY_UNKNOWN')
    onRefresh(() => publish({ '1': world.service, '2': next }))
    expect(await codeOf(verify(token))).toBe('ok')
  })

  it('may still be unknown afterwards', async () => {
    const { verify, publish, onRefresh } = setup()
    onRefresh(() => publish({ '3': world.service }))
    expect(await codeOf(verify(await world.forge({ header: { kid: '2' } })))).toBe('ERR_TXN_KEY_UNKNOWN')
  })
})
