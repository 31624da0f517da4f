import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorAnswer, errorResponse, errorTable, isWimseError, recode, WimseError, withCode } from '../src/index.ts'
import { codeOf } from './code-of.ts'

const rows = Object.entries(errorTable) as [ErrorCode, (typeof errorTable)[ErrorCode]][]

describe('error table', () => {
  it.each(rows)('%s is well-formed', (code, row) => {
    expect(code).toMatch(/^ERR(?:_[A-Z0-9]+)+$/)
    expect([400, 401, 403, 413, 500, 502, 503]).toContain(row.status)
    expect(['always', 'wpt-endpoint', 'never']).toContain(row.challenge)
    expect(row.reason).toMatch(/^[a-z0-9]+(?:_[a-z0-9]+)*$/)
    expect(row.requirement).toMatch(/^(?:WIMSE|[A-Z]+-[0-9A-Z][0-9A-Z.]*-[0-9]{2})$/)
    expect(row.sentence).toMatch(/^[A-Z][^\n"]{10,}\.$/)
    if (row.challenge === 'always') expect(row.status).toBe(401)
    if (row.challenge === 'wpt-endpoint') expect([400, 403]).toContain(row.status)
  })

  it('WPT-2.1-02: every WPT failure is a 401 with the challenge', () => {
    for (const [code, row] of rows) if (code.startsWith('ERR_WPT_')) expect([code, row.status]).toEqual([code, 401])
  })

  it('is the same for every reader', () => {
    expect(Object.isFrozen(errorTable)).toBe(true)
  })
})

describe('errorAnswer', () => {
  it('WPT-2.1-02, WPT-2.1-03, WPT-2.1-04: a WPT failure is challenged everywhere', () => {
    for (const takesWpt of [true, false]) {
      const { status, headers } = errorAnswer('ERR_WPT_EXPIRED', { takesWpt })
      expect(status).toBe(401)
      expect(headers).toContainEqual(['www-authenticate', 'WPT'])
    }
  })

  it.each(['ERR_PROOF_MISSING', 'ERR_WIT_MISSING', 'ERR_WIT_SIGNATURE', 'ERR_WIT_EXPIRED'] as const)(
    'CRED-5.2-04: %s is a 401 with the challenge where WPTs are taken, a 400 without one elsewhere',
    (code) => {
      const taking = errorAnswer(code, { takesWpt: true })
      expect([taking.status, taking.problem.status]).toEqual([401, 401])
      expect(taking.headers).toContainEqual(['www-authenticate', 'WPT'])
      const other = errorAnswer(code, { takesWpt: false })
      expect([other.status, other.problem.status]).toEqual([400, 400])
      expect(other.headers.map(([name]) => name)).not.toContain('www-authenticate')
    },
  )

  it.each([
    ['ERR_HTTP_SIGNATURE_INVALID', 400],
    ['ERR_POLICY_DENIED', 403],
    ['ERR_MESSAGE_BODY_TOO_LARGE', 413],
    ['ERR_REPLAY_STORE_FULL', 503],
    ['ERR_OPTIONS_INVALID', 500],
  ] as const)('%s is a %i without a challenge', (code, status) => {
    const answer = errorAnswer(code, { takesWpt: true })
    expect(answer.status).toBe(status)
    expect(answer.headers.map(([name]) => name)).not.toContain('www-authenticate')
  })

  it.each(rows.map(([code]) => code))('WPT-2.1-06, CRED-5.2-03: %s carries problem details', (code) => {
    const { headers, problem } = errorAnswer(code, { takesWpt: true })
    expect(headers).toContainEqual(['content-type', 'application/problem+json'])
    expect(headers).toContainEqual(['cache-control', 'no-store'])
    expect(problem).toMatchObject({ type: `urn:wimse:problem:${errorTable[code].reason}`, title: errorTable[code].sentence, code })
  })

  it('is a web response as well', async () => {
    const response = errorResponse('ERR_WPT_REPLAYED', { takesWpt: true })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'WPT'])
    expect(await response.json()).toMatchObject({ code: 'ERR_WPT_REPLAYED', status: 401 })
  })
})

describe('WimseError', () => {
  it('tells the remote caller nothing of the detail or the cause', () => {
    const error = new WimseError('ERR_WPT_AUD', { detail: 'expected https://payments.shop.example', cause: new Error('inner') })
    expect(error.message).toBe(errorTable.ERR_WPT_AUD.sentence)
    expect(JSON.stringify(errorAnswer(error.code, { takesWpt: true }))).not.toContain('payments')
    expect(error).toMatchObject({ name: 'WimseError', code: 'ERR_WPT_AUD', reason: 'wpt_aud_mismatch' })
  })

  it('is told from other errors, by code as well', () => {
    const error = new WimseError('ERR_WPT_AUD')
    expect([isWimseError(error), isWimseError(error, 'ERR_WPT_AUD'), isWimseError(error, 'ERR_WPT_EXP')]).toEqual([true, true, false])
    expect([isWimseError(new Error('ERR_WPT_AUD')), isWimseError({ code: 'ERR_WPT_AUD' }), isWimseError(undefined)]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('takes the code of the document that a shared step is part of, and keeps what it was', () => {
    const step = (): never => {
      throw new WimseError('ERR_ENCODING_JSON', { detail: 'syntax' })
    }
    expect(codeOf(() => withCode('ERR_WIT_MALFORMED', step))).toBe('ERR_WIT_MALFORMED')
    const inner = new WimseError('ERR_ENCODING_JSON', { detail: 'syntax' })
    expect(recode('ERR_WIT_MALFORMED', inner)).toMatchObject({ detail: 'ERR_ENCODING_JSON: syntax', cause: inner })
  })

  it('leaves a fault of ours as it is', () => {
    expect(() =>
      withCode('ERR_WIT_MALFORMED', () => {
        throw new RangeError('ours')
      }),
    ).toThrow(RangeError)
  })
})
