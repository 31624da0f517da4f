import { parseWorkloadIdentifier, requestViewOfRequest } from '@wimse/core'
import { createAttestationAuthentication, jwtSvidAuthentication, signSelfSignedSubject, tokenExchangeRequest } from '@wimse/token-exchange'
import { afterEach, describe, expect, it } from 'vitest'
import { claimsOf, closeAll, createWorld, ISSUER, JSON_TYPE, ORDERS, send, TXN_TYPE } from './harness.ts'

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

  it.each(['unsigned_json', 'self_signed'])(
    'lets each workload of a pattern speak for itself by %s, and none for another (TXN-11.3-04)',
    async (kind) => {
      const world = await createWorld()
      const rule = {
        requesters: ['spiffe://shop.example/batch/*'],
        subjectTokenTypes: [kind],
        ownSubject: true,
        scope: { 'orders:settle': [] },
      }
      const service = await world.start({ transactionTokens: { rules: [rule] } })
      const [requester, other] = ['spiffe://shop.example/batch/job-1', 'spiffe://shop.example/batch/job-2'] as const
      const { credential } = await world.shop.issueWit(requester)
      const carrier = await world.workload(ORDERS, [service])
      const ask = async (subject: string) => {
        const contents = { subject, audience: ISSUER }
        const signed = await signSelfSignedSubject(contents, credential, { runtime: world.runtime })
        const request = tokenExchangeRequest(`https://localhost:${service.port}/token`, {
          subjectToken: kind === 'self_signed' ? signed : { token: JSON.stringify({ sub: subject }), type: JSON_TYPE },
          audience: 'shop.example',
          scope: ['orders:settle'],
          requestedTokenType: TXN_TYPE,
          client: await createAttestationAuthentication({ credential, issuer: ISSUER, runtime: world.runtime }),
        })
        return send(carrier, requestViewOfRequest(request), 'mutual-tls')
      }
      expect(claimsOf((await ask(requester)).body['access_token'])['sub']).toBe(requester)
      expect((await ask(other)).body['error']).toBe('invalid_request')
      expect(world.lastEvent()['code']).toBe('ERR_EXCHANGE_SUBJECT_TOKEN')
    },
  )
})
