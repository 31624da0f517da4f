import { type ErrorCode, type FieldLines, fieldLinesOfHeaders, parseWorkloadIdentifier, requestViewOfRequest } from '@wimse/core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  readOptionalTransactionTokenField,
  readTransactionTokenField,
  type VerifiedTransactionToken,
  viewWithTransactionToken,
  withTransactionToken,
} from '../src/index.ts'
import { codeOf, createWorld, forgeJws, ORDERS, signerOf, type World } from './support/world.ts'

let world: World
let token: string
let verified: VerifiedTransactionToken
beforeAll(async () => {
  world = await createWorld()
  token = await world.forge()
  verified = await world.verify(token)
})

const peer = parseWorkloadIdentifier(ORDERS)
const URL_OF_ORDERS = 'https://orders.shop.example/orders'

describe('the transaction token of a message', () => {
  it.each<readonly [title: string, fields: (token: string) => FieldLines]>([
    ['TXN-12-01, TXN-12.1-01, TXN-12.1-02: is the value of Txn-Token', (value) => [['Txn-Token', value]]],
    ['TXN-12.1-01: in any case of its name', (value) => [['TXN-TOKEN', value]]],
    ['TXN-16.4-01: without the white space around it', (value) => [['txn-token', ` \t${value} `]]],
    [
      'TXN-12-02: beside credentials of another kind',
      (value) => [
        ['authorization', 'Bearer a.b.c'],
        ['txn-token', value],
      ],
    ],
    [
      'TXN-12-02: beside an opaque credential',
      (value) => [
        ['authorization', 'Basic YTpi'],
        ['txn-token', value],
      ],
    ],
    [
      'TXN-12-02: beside a proof token',
      (value) => [
        ['authorization', `WPT ${value}`],
        ['txn-token', value],
      ],
    ],
  ])('%s', (_title, fields) => {
    expect(readTransactionTokenField(fields(token))).toBe(token)
  })

  it.each<readonly [title: string, code: ErrorCode, fields: (token: string) => FieldLines]>([
    ['TXN-12-01: without the field', 'ERR_TXN_TOKEN_MISSING', () => [['x', 'a.b.c']]],
    ['TXN-12.1-01: in a field of another name', 'ERR_TXN_TOKEN_MISSING', (value) => [['transaction-token', value]]],
    ['TXN-12.1-02: with an empty field', 'ERR_TXN_TOKEN_MISSING', () => [['txn-token', ' ']]],
    [
      'TXN-12.1-02: in two fields',
      'ERR_TXN_TOKEN_COUNT',
      (value) => [
        ['txn-token', value],
        ['Txn-Token', value],
      ],
    ],
    ['TXN-12.1-02: two in one field', 'ERR_TXN_TOKEN_COUNT', (value) => [['txn-token', `${value}, ${value}`]]],
    ['TXN-12.1-02: with a scheme', 'ERR_TXN_MALFORMED', (value) => [['txn-token', `Bearer ${value}`]]],
    ['TXN-16.4-01: as a structured field', 'ERR_TXN_MALFORMED', (value) => [['txn-token', `"${value}"`]]],
    ['TXN-12-02: as a bearer token', 'ERR_TXN_TOKEN_IN_AUTHORIZATION', (value) => [['authorization', `Bearer ${value}`]]],
    [
      'TXN-13.13-01: as a bearer token as well',
      'ERR_TXN_TOKEN_IN_AUTHORIZATION',
      (value) => [
        ['authorization', `bearer ${value}`],
        ['txn-token', value],
      ],
    ],
    ['TXN-12-02: as credentials without a scheme', 'ERR_TXN_TOKEN_IN_AUTHORIZATION', (value) => [['Authorization', value]]],
    ['TXN-12-02: as DPoP credentials', 'ERR_TXN_TOKEN_IN_AUTHORIZATION', (value) => [['Authorization', `DPoP  ${value}`]]],
  ])('%s is refused (%s)', async (_title, code, fields) => {
    expect(await codeOf(() => readTransactionTokenField(fields(token)))).toBe(code)
  })

  it('TXN-12.1-02: joined by web headers is refused', async () => {
    const headers = new Headers([
      ['txn-token', token],
      ['txn-token', token],
    ])
    expect(await codeOf(() => readTransactionTokenField(fieldLinesOfHeaders(headers)))).toBe('ERR_TXN_TOKEN_COUNT')
  })
})

describe('the transaction token of a message that may have none', () => {
  it('TXN-12-01: is the value of Txn-Token, or nothing', () => {
    expect(readOptionalTransactionTokenField([['Txn-Token', token]])).toBe(token)
    expect(readOptionalTransactionTokenField([['authorization', 'Bearer a.b.c']])).toBeUndefined()
  })

  it.each<readonly [title: string, code: ErrorCode, fields: (token: string) => FieldLines]>([
    ['TXN-12.1-02: an empty field', 'ERR_TXN_TOKEN_MISSING', () => [['txn-token', '']]],
    ['TXN-12.1-02: two in one field', 'ERR_TXN_TOKEN_COUNT', (value) => [['txn-token', `${value}, ${value}`]]],
    ['TXN-12-02: one in Authorization', 'ERR_TXN_TOKEN_IN_AUTHORIZATION', (value) => [['authorization', `Bearer ${value}`]]],
  ])('%s is refused (%s)', async (_title, code, fields) => {
    expect(await codeOf(() => readOptionalTransactionTokenField(fields(token)))).toBe(code)
  })
})

describe('the view of a request with a transaction token', () => {
  const view = (headers: HeadersInit = {}) => requestViewOfRequest(new Request(URL_OF_ORDERS, { headers }))

  it('TXN-12.2-05: has it byte for byte as it came, once', () => {
    const carrying = viewWithTransactionToken(view({ 'x-a': 'b' }), verified, { peer })
    expect(carrying).toEqual({ ...view({ 'x-a': 'b' }), fields: [...view({ 'x-a': 'b' }).fields, ['txn-token', token]] })
    expect(viewWithTransactionToken(carrying, verified, { peer })).toBe(carrying)
  })

  it('TXN-14-01, TXN-12.1-02, TXN-12-02, TXN-12.2-01: is made under the rules for requests', async () => {
    const ledger = parseWorkloadIdentifier('spiffe://bank.example/ledger')
    expect(await codeOf(() => viewWithTransactionToken(view(), verified, { peer: ledger }))).toBe('ERR_TXN_LEAVES_DOMAIN')
    const twice = { ...view(), fields: [1, 2].map(() => ['txn-token', token] as const) }
    expect(await codeOf(() => viewWithTransactionToken(twice, verified, { peer }))).toBe('ERR_TXN_TOKEN_COUNT')
    const misplaced = view({ authorization: `Bearer ${token}` })
    expect(await codeOf(() => viewWithTransactionToken(misplaced, verified, { peer }))).toBe('ERR_TXN_TOKEN_IN_AUTHORIZATION')
    for (const forged of [{ ...verified }, { caller: ORDERS, token: verified }, undefined, null]) {
      expect(await codeOf(() => viewWithTransactionToken(view(), forged as VerifiedTransactionToken, { peer }))).toBe('ERR_OPTIONS_INVALID')
    }
  })
})

describe('a request with a transaction token', () => {
  it('TXN-12.2-05: has it byte for byte as it came, and is otherwise the same', async () => {
    const request = new Request(URL_OF_ORDERS, { method: 'POST', body: 'a', headers: { 'x-a': 'b', authorization: 'Bearer opaque' } })
    const carrying = withTransactionToken(request, verified, { peer })
    expect(readTransactionTokenField(fieldLinesOfHeaders(carrying.headers))).toBe(token)
    expect(withTransactionToken(carrying, verified, { peer })).toBe(carrying)
    expect([carrying.method, carrying.url, carrying.headers.get('x-a'), await carrying.text()]).toEqual(['POST', URL_OF_ORDERS, 'b', 'a'])
  })

  it('TXN-14-01: is not made for a peer of another trust domain', async () => {
    const ledger = parseWorkloadIdentifier('spiffe://bank.example/ledger')
    expect(await codeOf(() => withTransactionToken(new Request(URL_OF_ORDERS), verified, { peer: ledger }))).toBe('ERR_TXN_LEAVES_DOMAIN')
  })

  it('TXN-12.1-02: is not made where there is another one', async () => {
    const request = new Request(URL_OF_ORDERS, { headers: { 'txn-token': await world.forge({ claims: { txn: 'other' } }) } })
    expect(await codeOf(() => withTransactionToken(request, verified, { peer }))).toBe('ERR_TXN_TOKEN_COUNT')
  })

  it('TXN-12-02, TXN-13.12-01: is not made where it stands for the caller', async () => {
    const request = new Request(URL_OF_ORDERS, { headers: { authorization: `Bearer ${token}` } })
    expect(await codeOf(() => withTransactionToken(request, verified, { peer }))).toBe('ERR_TXN_TOKEN_IN_AUTHORIZATION')
  })

  it('is not made of one whose body was read', async () => {
    const request = new Request(URL_OF_ORDERS, { method: 'POST', body: 'a' })
    await request.text()
    expect(await codeOf(() => withTransactionToken(request, verified, { peer }))).toBe('ERR_MESSAGE_MALFORMED')
  })

  it('TXN-12.2-01: is not made with what nobody has verified', async () => {
    expect(await codeOf(() => withTransactionToken(new Request(URL_OF_ORDERS), { ...verified }, { peer }))).toBe('ERR_OPTIONS_INVALID')
    const forged = await forgeJws({ alg: 'ES256' }, {}, await signerOf('other'))
    expect(await codeOf(() => withTransactionToken(new Request(URL_OF_ORDERS), forged as never, { peer }))).toBe('ERR_OPTIONS_INVALID')
  })
})
