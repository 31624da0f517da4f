import { createTestRuntime } from '@wimse/testing'
import { expect, it } from 'vitest'
import {
  attestationChallengeRequest,
  attestationChallengeResponse,
  createAttestationChallenges,
  processAttestationChallengeResponse,
} from '../src/index.ts'
import { codeOf, SHOP } from './support/world.ts'

it('ATT-7.2-01, ATT-5.1-06: a challenge is good until the one after it is replaced', () => {
  const runtime = createTestRuntime()
  const challenges = createAttestationChallenges({ lifetimeSeconds: 60, runtime })
  const first = challenges.current()
  expect([first.length, challenges.current() === first, challenges.accepts(first)]).toEqual([43, true, true])
  runtime.advance(60)
  expect([challenges.current() === first, challenges.accepts(first), challenges.accepts('')]).toEqual([false, true, false])
  runtime.advance(60)
  expect([challenges.accepts(first), challenges.accepts('x')]).toEqual([false, false])
  const late = challenges.current()
  runtime.advance(600)
  expect(challenges.accepts(late)).toBe(false)
})

it('ATT-6.1-02, ATT-6.1-03: a challenge is fetched from its endpoint, uncached', async () => {
  const request = attestationChallengeRequest(`${SHOP}/challenge`)
  expect([request.method, request.url]).toEqual(['POST', `${SHOP}/challenge`])
  const response = attestationChallengeResponse('abc')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await processAttestationChallengeResponse(response)).toBe('abc')
})

it.each([
  ['ATT-6.1-03: that may be stored', '{"attestation_challenge":"abc"}', {}, 'ERR_EXCHANGE_RESPONSE'],
  ['ATT-6.1-03: without one', '{}', { 'cache-control': 'no-store' }, 'ERR_EXCHANGE_RESPONSE'],
  ['that no header field could hold', '{"attestation_challenge":"a\\nb"}', { 'cache-control': 'no-store' }, 'ERR_EXCHANGE_RESPONSE'],
])('an answer is refused %s', async (_title, body, headers, code) => {
  const response = new Response(body, { headers: { 'content-type': 'application/json', ...headers } })
  expect(await codeOf(processAttestationChallengeResponse(response))).toBe(code)
})

it('what is refused or misconfigured is told', async () => {
  expect(await codeOf(processAttestationChallengeResponse(new Response(null, { status: 404 })))).toBe('ERR_EXCHANGE_REFUSED')
  expect(await codeOf(() => createAttestationChallenges({ lifetimeSeconds: 0 }))).toBe('ERR_OPTIONS_INVALID')
  expect(await codeOf(() => attestationChallengeRequest('http://tokens.shop.example/challenge'))).toBe('ERR_INSECURE_CHANNEL')
})
