import { isWimseError, type JsonObject, utf8 } from '@wimse/core'
import type { VerifiedMessage } from '@wimse/message-proof'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJob } from '../src/read-job.ts'

const SUBJECT = 'settlement.jobs.settle'
const JOB: JsonObject = { job: 'teapot-1', action: 'settle', parameters: { order: 'teapot-1', amount: 45 } }

type Read = Pick<VerifiedMessage, 'message' | 'boundFields'>

function message(payload: JsonObject | string | Uint8Array, bound = true): Read {
  const octets = payload instanceof Uint8Array ? payload : utf8(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const fields = [['deferred-grant', 'a grant']] as const
  const view = { kind: 'message', destination: `nats://shop.example/${SUBJECT}`, fields, payload: octets } as const
  return { message: view, boundFields: bound ? { 'deferred-grant': 'a hash' } : {} }
}

describe('a job', () => {
  it('is read with its grant', () => {
    expect(readJob(message(JOB), SUBJECT)).toEqual({ ...JOB, amount: 45, grant: 'a grant' })
    expect(readJob(message({ ...JOB, use: 'teapot-1' }), SUBJECT)).toMatchObject({ use: 'teapot-1' })
  })

  it.each([
    ['that is no JSON', message('{')],
    ['that is no object', message('[]')],
    ['with a member twice', message('{"job":"a","job":"b"}')],
    ['with a member too many', message({ ...JOB, amount: 1 })],
    ['without a name', message({ ...JOB, job: undefined } as unknown as JsonObject)],
    ['with a name that is no name', message({ ...JOB, job: 'a b' })],
    ['with a name that is too long', message({ ...JOB, job: 'a'.repeat(129) })],
    ['of another action', message({ ...JOB, action: 'refund' })],
    ['of the action of another subject', message({ ...JOB, action: 'restock' })],
    ['with parameters that are no object', message({ ...JOB, parameters: [] })],
    ['without an amount', message({ ...JOB, parameters: {} })],
    ['with an amount that is a text', message({ ...JOB, parameters: { amount: '45' } })],
    ['with a use that is no name', message({ ...JOB, use: 7 })],
    ['whose grant is not bound', message(JOB, false)],
    ['without a grant', { ...message(JOB), message: { ...message(JOB).message, fields: [] } }],
  ])('%s is refused', (_title, read) => {
    expect(codeOf(read)).toBe('ERR_MESSAGE_MALFORMED')
  })

  it('is read or refused with that code, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (octets) => {
        expect(['read', 'ERR_MESSAGE_MALFORMED']).toContain(codeOf(message(octets)))
      }),
    )
  })
})

function codeOf(read: Read): string {
  try {
    readJob(read, SUBJECT)
    return 'read'
  } catch (error) {
    if (isWimseError(error)) return error.code
    throw error
  }
}
