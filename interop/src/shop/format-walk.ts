import type { Hop, JobLine, TokenEvent } from '../world/world.ts'
import type { Step } from './walk.ts'

const PROOFS: Readonly<Record<string, string>> = {
  bearer: 'a bearer token, with no proof',
  wpt: 'a WPT',
  'http-signature': 'an HTTP signature',
  'mutual-tls': 'mutual TLS',
}
const KINDS: Readonly<Record<string, string>> = {
  'transaction-token': 'a transaction token',
  replacement: 'the transaction token that replaces it',
  'access-token': 'an access token',
  'authorization-grant': 'an authorization grant',
  'deferred-grant': 'a deferred grant, for later',
  'deferred-redemption': 'a transaction token, for a deferred grant',
}
const HASH_CHARACTERS = 12

/** A walk as numbered lines; what was done on behalf of a request stands below it, further in. */
export function formatWalk(steps: readonly Step[], user: string): readonly string[] {
  const lines: string[] = []
  let number = 0
  const show = (step: Step, depth: number): void => {
    number += 1
    const [first, ...details] = linesOf(step, user)
    const margin = '  '.repeat(depth)
    lines.push(`${String(number).padStart(2)}. ${margin}${first}`, ...details.map((detail) => `      ${margin}${detail}`))
    if (step.kind !== 'token') for (const below of step.steps) show(below, depth + 1)
  }
  for (const step of steps) show(step, 0)
  return lines
}

function linesOf(step: Step, user: string): readonly string[] {
  if (step.kind === 'job') return linesOfJob(step.job)
  return step.kind === 'hop' ? linesOfHop(step.hop, user) : linesOfToken(step)
}

function linesOfJob(line: JobLine): readonly string[] {
  const { service, job = '', sender, action, position, subject, scope, actors, transaction, linkedTransaction, step, receipt, code } = line
  return [
    `queue → ${service}  ${action ?? ''} ${job}  (${position})${sender === undefined ? '' : `  by a message proof of ${nameOf(sender)}`}`,
    sentence([
      subject && `for ${subject}`,
      actors && `${listed(actors)} acting`,
      scopeOf(scope),
      transaction && `transaction ${transaction} out of ${linkedTransaction}`,
    ]),
    step === 'done' ? `done: ${receipt ?? ''}` : `given up: ${code ?? ''}`,
  ].filter((text) => text !== '')
}

function linesOfHop(hop: Hop, user: string): readonly string[] {
  const { entry, requester, worker, user: customer } = hop
  const { service, request = '', caller, proof, subject, scope, transaction, requestingWorkloads, actors, decision, reason } = hop
  const how = proof === undefined ? 'nothing that was accepted' : (PROOFS[proof] ?? proof)
  return [
    `${caller === undefined ? user : nameOf(caller)} → ${service}  ${request}  by ${how}`,
    sentence([
      subject && `for ${subject}`,
      actors && `${listed(actors)} acting`,
      scopeOf(scope),
      transaction && `transaction ${transaction}`,
    ]),
    requestingWorkloads === undefined ? '' : `came in at ${requestingWorkloads.map(nameOf).join(', then ')}`,
    entry === undefined || customer === undefined
      ? ''
      : `${entry} in the ledger: for ${customer}, put off by ${nameOf(requester ?? '')}, done by ${nameOf(worker ?? '')}`,
    decision === 'allowed' ? 'allowed' : `refused: ${reason ?? 'for no reason given'}`,
  ].filter((line) => line !== '')
}

function linesOfToken({ domain, event }: Extract<Step, { kind: 'token' }>): readonly string[] {
  const from = `${nameOf(textOf(event, 'client') ?? 'somebody')} → token service of ${domain}.example`
  if (event.event === 'token.refused') return [from, `refused: ${textOf(event, 'code')} (${textOf(event, 'error')})`]
  const { kind, scope, actors } = event
  const hash = textOf(event, 'tokenHash')?.slice(0, HASH_CHARACTERS)
  const target = textOf(event, 'target')
  return [
    `${from}: ${KINDS[String(kind)] ?? String(kind)}`,
    sentence([
      `sha256:${hash}…`,
      target?.startsWith('https://') === true && `for ${new URL(target).hostname}`,
      scopeOf(Array.isArray(scope) ? scope.map(String) : undefined),
      textOf(event, 'acting'),
      typeof actors === 'number' && actors > 0 && `${actors} acting`,
    ]),
  ]
}

function textOf(event: TokenEvent, name: string): string | undefined {
  const value = event[name]
  return typeof value === 'string' ? value : undefined
}

function scopeOf(scope: readonly string[] | undefined): string {
  return scope === undefined ? '' : `scope ${scope.join(' ')}`
}

function listed(actors: readonly string[]): string {
  return actors.map(nameOf).join(' for ')
}

/** `orders` of `spiffe://shop.example/orders`. */
function nameOf(identifier: string): string {
  return identifier.slice(identifier.lastIndexOf('/') + 1)
}

function sentence(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(', ')
}
