import { parseWorkloadIdentifier, requestViewOfRequest } from '@wimse/core'
import { jwtSvidAuthentication, tokenExchangeRequest } from '@wimse/token-exchange'
import { afterEach, describe, expect, it } from 'vitest'
import { claimsOf, closeAll, createWorld, JSON_TYPE, ORDERS, send, TXN_TYPE } from './harness.ts'

afterEach(closeAll)

describe('admission by pattern', () => {
  it('takes a thousand workloads that nobody registered, and none beside the pattern (SCA-5.1-06)', async () => {
    const world = await createWorld()
    const service = await world.start({ clients: { admit: ['spiffe://shop.example/batch/*'] } })
    const carrier = await world.workload(ORDERS, [service])
    const ask = async (name: string) => {
      const identifier = parseWorkloadIdentifier(name)
      const token = await world.shop.issueJwtSvid(identifier, { audience: ['https://tokens.shop.example'] })
      const request = tokenExchangeRequest(`https://localhost:${service.port}/token`, {
        subjectToken: { token: JSON.stringify({ sub: identifier }), type: JSON_TYPE },
        audience: 'shop.example',
        scope: ['orders:settle'],
        requestedTokenType: TXN_TYPE,
        client: jwtSvidAuthentication({ identifier, token }),
      })
      return send(carrier, requestViewOfRequest(request), 'mutual-tls')
    }
    for (let index = 0; index < 1000; index += 1) {
      const identifier = `spiffe://shop.example/batch/job-${index}`
      const { body } = await ask(identifier)
      expect(claimsOf(body['access_token'])['req_wl']).toBe(identifier)
    }
    for (const identifier of ['spiffe://shop.example/batch', 'spiffe://shop.example/batches/a', 'spiffe://bank.example/batch/a']) {
      expect((await ask(identifier)).body['error']).toBe('invalid_client')
    }
  })
})
