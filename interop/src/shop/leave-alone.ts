import { setTimeout as sleep } from 'node:timers/promises'
import { fieldValues } from '@wimse/core'
import { decodeUnverifiedJws } from '@wimse/keys'
import { openNatsInsider } from '@wimse/message-nats/testing'
import { WIT_FIELD } from '@wimse/wit'
import { tokenName } from '../suite/evidence.ts'
import type { Shop } from '../world/world.ts'
import type { Errand } from './errands.ts'

const STREAM = 'SETTLEMENT'
const FIELDS: Readonly<Record<string, string>> = {
  [WIT_FIELD]: 'wit',
  'wimse-ts-message-proof': 'message proof',
  'deferred-grant': 'deferred grant',
}

/** Shows the job that waits, takes everything from whoever has sent it, waits until its credentials have ended, and lets the workers in. */
export async function leaveAlone(
  shop: Shop,
  { sender, workers }: NonNullable<Errand['later']>,
  print: (line: string) => void,
): Promise<void> {
  const started = performance.now()
  const say = (text: string): void => print(`${`+${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(8)}  ${text}`)
  const { subject, sequence, fields } = await waiting(shop)
  const [wit = ''] = fieldValues(fields, WIT_FIELD)
  const end = Number(decodeUnverifiedJws(wit).payload['exp'])
  print('')
  say(`the job waits in the broker: ${subject}, ${STREAM}:${sequence}`)
  for (const [field, value] of fields) print(`          ${field}: ${FIELDS[field] === undefined ? value : tokenName(FIELDS[field], value)}`)
  await shop.unregister(sender)
  await shop.kill(sender)
  say(`${sender} has ended, and is registered no more; its WIT ends at ${new Date(end * 1000).toISOString()}`)
  await sleep(Math.max(0, (end + 1) * 1000 - Date.now()))
  say(`${tokenName('wit', wit)} has ended: nothing that ${sender} ever had is good any more`)
  await Promise.all(workers.map((worker) => shop.start(worker)))
  say(`it is night: ${workers.join(' and ')} have started`)
}

async function waiting(shop: Shop): Promise<Awaited<ReturnType<Awaited<ReturnType<typeof openNatsInsider>>['look']>>[number]> {
  const insider = await openNatsInsider(shop.broker().url)
  try {
    const [message] = await insider.look(STREAM)
    if (message === undefined) throw new Error('no job waits')
    return message
  } finally {
    await insider.close()
  }
}
