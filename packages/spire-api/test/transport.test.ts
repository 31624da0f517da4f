import { describe, expect, it } from 'vitest'
import { checkServerIdentifier } from '../src/transport.ts'

describe('checkServerIdentifier', () => {
  it('accepts the server of the trust domain, whatever its DNS names', () => {
    const subjectaltname = 'DNS:spire.shop.example, URI:spiffe://shop.example/spire/server'
    expect(checkServerIdentifier({ subjectaltname }, 'shop.example')).toBeUndefined()
  })

  it.each([
    ['another trust domain', 'URI:spiffe://bank.example/spire/server'],
    ['another workload of the trust domain', 'URI:spiffe://shop.example/orders'],
    ['a longer path', 'URI:spiffe://shop.example/spire/server/x'],
    ['two URI names', 'URI:spiffe://shop.example/spire/server, URI:spiffe://shop.example/orders'],
    ['a DNS name alone', 'DNS:spire.shop.example'],
    ['no name', ''],
    ['a name that only contains it', 'DNS:"URI:spiffe://shop.example/spire/server"'],
  ])('refuses %s', (_title, subjectaltname) => {
    expect(checkServerIdentifier({ subjectaltname }, 'shop.example')).toMatchObject({ code: 'ERR_SPIRE_API_PEER' })
  })
})
