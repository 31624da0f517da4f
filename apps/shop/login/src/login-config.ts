import { readFile } from 'node:fs/promises'
import { isJsonObject, parseStrictJsonObject, WimseError } from '@wimse/core'

/** What this service is started with: its config.json, and `platform` where whoever starts it adds that. */
export interface LoginConfig {
  /** The issuer, and the only host that it answers to. */
  readonly origin: string
  readonly client: { readonly id: string; readonly redirectUri: string }
  /** What access tokens may be for (RFC 8707), and the scope values that there are at each of them. */
  readonly resources: readonly string[]
  readonly scope: readonly string[]
  readonly users: ReadonlyMap<string, string>
  /** JWK set with the private key that signs; one is made at start where there is no file. */
  readonly keyFile?: string
  /** Seconds that access tokens live: 300 unless told, 600 at most. */
  readonly accessTokenSeconds?: number
  readonly listen: { readonly host: string; readonly port: number }
  /** Address of the Workload API; `SPIFFE_ENDPOINT_SOCKET` unless told. */
  readonly workloadApi?: string
}

/** @throws WimseError `ERR_OPTIONS_INVALID` with the member that is wrong, and those of strict JSON */
export async function readLoginConfig(path: string): Promise<LoginConfig> {
  return decodeLoginConfig(parseStrictJsonObject(await readFile(path)))
}

/** @throws WimseError `ERR_OPTIONS_INVALID` with the member that is wrong, never with its value */
export function decodeLoginConfig(document: unknown): LoginConfig {
  const config = objectAt(document, 'configuration')
  const client = objectAt(config['client'], 'client')
  const users = Object.entries(objectAt(config['users'], 'users'))
  const origin = textAt(config['origin'], 'origin')
  if (!URL.canParse(origin) || new URL(origin).origin !== origin || !origin.startsWith('https://')) invalid('origin')
  const platform = config['platform'] === undefined ? {} : objectAt(config['platform'], 'platform')
  const listen = platform['listen'] === undefined ? {} : objectAt(platform['listen'], 'platform.listen')
  const { host = '0.0.0.0', port = Number(new URL(origin).port || 443) } = listen
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) invalid('platform.listen.port')
  const { keyFile, accessTokenSeconds } = config
  const { workloadApi } = platform
  return {
    origin,
    client: { id: textAt(client['id'], 'client.id'), redirectUri: textAt(client['redirectUri'], 'client.redirectUri') },
    resources: textsAt(config['resources'], 'resources'),
    scope: textsAt(config['scope'], 'scope'),
    users: new Map(users.map(([name, user]) => [name, textAt(objectAt(user, 'users')['password'], 'users.password')])),
    listen: { host: textAt(host, 'platform.listen.host'), port: port as number },
    ...(keyFile !== undefined && { keyFile: textAt(keyFile, 'keyFile') }),
    ...(accessTokenSeconds !== undefined && { accessTokenSeconds: secondsAt(accessTokenSeconds, 'accessTokenSeconds') }),
    ...(workloadApi !== undefined && { workloadApi: textAt(workloadApi, 'platform.workloadApi') }),
  }
}

function objectAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : invalid(path)
}

function textAt(value: unknown, path: string): string {
  return typeof value === 'string' && value !== '' ? value : invalid(path)
}

const MAX_SECONDS = 600

function secondsAt(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_SECONDS ? value : invalid(path)
}

function textsAt(value: unknown, path: string): readonly string[] {
  return Array.isArray(value) && value.length > 0 ? value.map((item) => textAt(item, path)) : invalid(path)
}

function invalid(path: string): never {
  throw new WimseError('ERR_OPTIONS_INVALID', { detail: path })
}
