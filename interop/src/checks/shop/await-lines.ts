import { isDeepStrictEqual } from 'node:util'
import { CheckFailure, type Evidence } from '../../suite/check.ts'
import { evidenceRecord } from '../../suite/evidence.ts'
import type { Hop, JobLine, ServiceName, ShopDomain, TokenEvent } from '../../world/world.ts'
import type { ShopScene } from './shop-check.ts'

const TIMEOUT_MS = 15_000
const INTERVAL_MS = 50

/** A line of a service by some of its members: `undefined` stands for one that may not be there. */
export type ExpectedHop = { readonly [Name in keyof Hop]?: Hop[Name] | undefined }

/** The line of a service about a request. Services write it as their answer goes out, so it may come a moment later. */
export function awaitHop(scene: ShopScene, service: ServiceName, expected: ExpectedHop): Promise<Hop> {
  const read = async (): Promise<readonly Hop[]> => (await scene.shop.hops()).filter((hop) => hop.service === service)
  return awaitLine(`the line of ${service} with ${JSON.stringify(expected)}`, read, (hop) => hasMembers(hop, expected))
}

/** The lines of several services about one transaction, in the order of the services. */
export function awaitHops(
  scene: ShopScene,
  transaction: string,
  expected: readonly (ExpectedHop & { readonly service: ServiceName })[],
): Promise<readonly Hop[]> {
  return Promise.all(expected.map(({ service, ...members }) => awaitHop(scene, service, { transaction, ...members })))
}

/** The newest event of a token service that fits; `after` leaves out that many from before. */
export function awaitEvent(
  scene: ShopScene,
  domain: ShopDomain,
  what: string,
  fits: (event: TokenEvent) => boolean,
  after = 0,
): Promise<TokenEvent> {
  return awaitLine(
    `the event ${what} of the token service of the ${domain}`,
    async () => (await scene.shop.events(domain)).slice(after),
    fits,
  )
}

/** Lines as evidence. */
export function shownLines(lines: readonly (Hop | JobLine | TokenEvent)[]): Evidence[string] {
  return lines.map((line) => evidenceRecord(line))
}

function hasMembers(line: object, expected: object): boolean {
  const members = new Map<string, unknown>(Object.entries(line))
  return Object.entries(expected).every(([name, value]) => isDeepStrictEqual(members.get(name), value))
}

/** The newest line that fits; waits for it. @throws CheckFailure when it doesn't come */
export async function awaitLine<T extends object>(
  what: string,
  read: () => Promise<readonly T[]>,
  fits: (line: T) => boolean,
  timeoutMs: number = TIMEOUT_MS,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const lines = await read()
    const found = lines.findLast(fits)
    if (found !== undefined) return found
    if (performance.now() > deadline) {
      throw new CheckFailure(`${what} never came`, { last: lines.slice(-3).map((line) => evidenceRecord(line)) })
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
  }
}
