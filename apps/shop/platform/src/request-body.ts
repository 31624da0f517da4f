import { isWimseError, type JsonObject, parseStrictJsonObject, readBody } from '@wimse/core'
import type { Context } from 'hono'
import type { ShopVariables } from './callers.ts'
import { Refusal } from './refusal.ts'

/** Octets of a request. */
const MAX_REQUEST_BYTES = 16_384
const MAX_AMOUNT = 1_000_000

/** The JSON object that a request brings. @throws Refusal */
export async function bodyOf(context: Context<ShopVariables>): Promise<JsonObject> {
  try {
    return parseStrictJsonObject(await readBody(context.req.raw.body, MAX_REQUEST_BYTES))
  } catch (error) {
    throw isWimseError(error) ? malformed('the body is no JSON object') : error
  }
}

/** A short text of a request. @throws Refusal */
export function textIn(body: JsonObject, name: string): string {
  const value = body[name]
  if (typeof value !== 'string' || !/^[\w .:-]{1,64}$/.test(value)) throw malformed(`${name} is no short text`)
  return value
}

/** An amount of money in whole euros. @throws Refusal */
export function amountIn(body: JsonObject, name = 'amount'): number {
  const value = body[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > MAX_AMOUNT) throw malformed(`${name} is no amount`)
  return value
}

function malformed(reason: string): Refusal {
  return new Refusal(reason, 'ERR_MESSAGE_MALFORMED')
}
