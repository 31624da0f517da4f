import { inMemoryReplayStore, isWimseError, type RequestView, type ResponseView, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRequestVerifier, readSignatureWish, type SignedRequest, signResponse, verifyResponse } from '../src/index.ts'
import { AUDIENCE, createWorld, okResponse, runtime, sign, verify, type World } from './support/world.ts'

let world: World
let signed: SignedRequest
let response: ResponseView

beforeAll(async () => {
  world = await createWorld()
  signed = await sign(await world.credential('orders'), { signedResponse: 'required' })
  const request = await verify(world, signed.request)
  response = (await signResponse(okResponse, { credential: await world.credential('payments'), request, runtime })).response
})

/** Fields that the profile covers or that carry the signature: no character of them may change. */
const PROTECTED = ['content-type', 'txn-token', 'content-digest', 'workload-identity-token', 'signature-input', 'signature']

function change(text: string, at: number, code: number): string {
  const index = at % text.length
  return `${text.slice(0, index)}${String.fromCharCode(code)}${text.slice(index + 1)}`
}

function changeField<M extends RequestView | ResponseView>(message: M, name: string, at: number, code: number): M {
  return {
    ...message,
    fields: message.fields.map(([line, value]) => [line, line.toLowerCase() === name ? change(value, at, code) : value]),
  }
}

function changeBody<M extends RequestView | ResponseView>(message: M, at: number, code: number): M {
  const body = new Uint8Array(message.body instanceof Uint8Array ? message.body : new Uint8Array())
  body[at % body.length] = code
  return { ...message, body }
}

async function outcomeOf(step: Promise<unknown>): Promise<'accepted' | 'coded' | 'other'> {
  return step.then(
    () => 'accepted' as const,
    (error: unknown) => (isWimseError(error) ? 'coded' : 'other'),
  )
}

const printable = fc.integer({ min: 0x20, max: 0x7e })

describe('a change of one octet of an accepted message is refused', () => {
  it('of a request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('method', 'path', 'query', 'body', ...PROTECTED), fc.nat(), printable, async (place, at, code) => {
        const { request } = signed
        const changed: RequestView =
          place === 'body'
            ? changeBody(request, at, code)
            : place === 'method' || place === 'path' || place === 'query'
              ? { ...request, [place]: change(request[place] ?? '', at, code) }
              : changeField(request, place, at, code)
        fc.pre(JSON.stringify(changed) !== JSON.stringify(request))
        expect(await outcomeOf(verify(world, changed)), place).toBe('coded')
      }),
      { numRuns: 400 },
    )
  })

  it('of a response', async () => {
    const options = { request: signed, verifyWit: world.verifyWit, peer: () => true, runtime }
    await expect(verifyResponse(response, options)).resolves.toBeDefined()
    const places = PROTECTED.filter((name) => name !== 'txn-token')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('status', 'body', ...places), fc.nat(), printable, async (place, at, code) => {
        const changed: ResponseView =
          place === 'status'
            ? { ...response, status: 200 + ((at % 399) + 1) }
            : place === 'body'
              ? changeBody(response, at, code)
              : changeField(response, place, at, code)
        fc.pre(JSON.stringify(changed) !== JSON.stringify(response))
        expect(await outcomeOf(verifyResponse(changed, options)), place).toBe('coded')
      }),
      { numRuns: 300 },
    )
  })
})

it('arbitrary messages throw coded errors only', async () => {
  const wit = await world.verifyWit(signed.request.fields.find(([name]) => name === 'workload-identity-token')?.[1] ?? '')
  const verifier = createRequestVerifier({ audience: AUDIENCE, replay: inMemoryReplayStore({ capacity: 1 }), runtime })
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      fc.dictionary(fc.constantFrom('created', 'expires', 'nonce', 'wimse-aud'), text),
      async (a, b, parameters) => {
        const list = Object.entries(parameters).map(([name, value]) => `;${name}=${value}`)
        const fields = [
          ['signature-input', `s=("@method" "${a}")${list.join('')};tag="wimse-workload-to-workload"`],
          ['signature', 's=:AAAA:'],
          ['content-digest', a],
          ['accept-signature', `s=("${a}");tag="wimse-workload-to-workload"`],
          ['workload-identity-token', wit.token],
          [a, b],
        ] as const
        const request: RequestView = { ...signed.request, method: a, path: b, fields, body: utf8(b) }
        expect(await outcomeOf(verifier(request, wit))).toBe('coded')
        const answered = verifyResponse({ ...response, fields }, { request: signed, verifyWit: world.verifyWit, peer: () => true, runtime })
        expect(await outcomeOf(answered)).toBe('coded')
        expect(await outcomeOf((async () => readSignatureWish(fields, 'request'))())).not.toBe('other')
      },
    ),
    { numRuns: 300 },
  )
})
