import { describe, expectTypeOf, it } from 'vitest'
import type {
  checkRedemption,
  Deferral,
  GrantUseStore,
  inMemoryGrantUseStore,
  VerifiedDeferredGrant,
  verifyDeferredGrant,
} from '../src/index.ts'

/** What someone could write down without verifying. */
type Forged = Pick<VerifiedDeferredGrant, Extract<keyof VerifiedDeferredGrant, string>>

describe('the way from a grant to a token', () => {
  it('begins with a grant that was verified, which is nothing that one could write', () => {
    expectTypeOf<typeof verifyDeferredGrant>().returns.resolves.toEqualTypeOf<VerifiedDeferredGrant>()
    expectTypeOf<typeof checkRedemption>().parameter(0).toEqualTypeOf<VerifiedDeferredGrant>()
    expectTypeOf<Forged>().not.toExtend<VerifiedDeferredGrant>()
    expectTypeOf<string>().not.toExtend<VerifiedDeferredGrant>()
  })

  it('can not be judged without an issuer and its keys', () => {
    expectTypeOf<Parameters<typeof verifyDeferredGrant>[1]>().toHaveProperty('issuer').toEqualTypeOf<string>()
    expectTypeOf<{ issuer: string }>().not.toExtend<Parameters<typeof verifyDeferredGrant>[1]>()
  })

  it('asks a store of any kind, and has an end', () => {
    expectTypeOf<typeof inMemoryGrantUseStore>().returns.toExtend<GrantUseStore>()
    expectTypeOf<Deferral>().toHaveProperty('end').toEqualTypeOf<number>()
  })
})
