import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMessageProof, type HeaderMap, headerMapOf, messageOfHeaderMap } from '../src/index.ts'
import { codeOf, createWorld, DESTINATION, PAYLOAD } from './support/world.ts'

describe('a message with a header map', () => {
  it('has a line for each value, repeated ones and names in two cases apart', () => {
    const headers: HeaderMap = { 'X-A': ['1', '2'], 'x-a': '3', b: '', c: undefined, d: [] }
    expect(messageOfHeaderMap({ destination: DESTINATION, headers, payload: PAYLOAD })).toEqual({
      kind: 'message',
      destination: DESTINATION,
      fields: [
        ['X-A', '1'],
        ['X-A', '2'],
        ['x-a', '3'],
        ['b', ''],
      ],
      payload: PAYLOAD,
    })
    expect(messageOfHeaderMap({ destination: DESTINATION, payload: PAYLOAD }).fields).toEqual([])
  })

  it.each([
    ['a name with a space', { 'x a': '1' }],
    ['an empty name', { '': '1' }],
    ['a name with a colon', { 'a:': '1' }],
    ['octets as a value', { a: new Uint8Array(1) }],
    ['a number as a value', { a: ['1', 2] }],
    ['null as a value', { a: null }],
  ])('is refused with %s', async (_title, headers) => {
    const step = (): unknown => messageOfHeaderMap({ destination: DESTINATION, headers: headers as HeaderMap, payload: PAYLOAD })
    expect(await codeOf(step)).toBe('ERR_MESSAGE_MALFORMED')
  })

  it('is proved and verified through maps on both sides', async () => {
    const world = await createWorld()
    const headers = { 'Content-Type': 'application/json', 'Deferred-Grant': 'grant' }
    const boundFields = ['deferred-grant']
    const message = messageOfHeaderMap({ destination: DESTINATION, headers, payload: PAYLOAD })
    const proof = await createMessageProof(message, { credential: world.credential, boundFields, runtime: world.runtime })
    const sent = { ...headers, ...headerMapOf(proof) }
    const deliver = (changed: HeaderMap): Promise<string> =>
      codeOf(world.verify(messageOfHeaderMap({ destination: DESTINATION, headers: changed, payload: PAYLOAD }), { boundFields }))
    expect(await deliver(sent)).toBe('ok')
    expect(await deliver({ ...sent, 'deferred-grant': 'other' })).toBe('ERR_MESSAGE_PROOF_FIELD_REPEATED')
    expect(await deliver({ ...sent, 'Deferred-Grant': undefined })).toBe('ERR_MESSAGE_PROOF_FIELD')
    expect(await deliver({ ...sent, 'Deferred-Grant': ['grant', 'grant'] })).toBe('ERR_MESSAGE_PROOF_FIELD_REPEATED')
  })

  it('the map of its lines is the map again, in lower case', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
    const values = fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2, maxLength: 3 }))
    fc.assert(
      fc.property(fc.dictionary(name, values), (headers) => {
        expect(headerMapOf(messageOfHeaderMap({ destination: DESTINATION, headers, payload: PAYLOAD }).fields)).toEqual({ ...headers })
      }),
    )
    expect(
      headerMapOf([
        ['X-A', '1'],
        ['x-a', '2'],
        ['__proto__', '3'],
      ]),
    ).toEqual({ 'x-a': ['1', '2'], ['__proto__']: '3' })
  })
})
