import { createHash, randomBytes } from 'node:crypto'
import { Browser, type FetchPage, formOf, type Page } from './browser.ts'

/** The client that the sample identity provider knows: an application in the browser. Nobody serves its address; the scripted browser stops there. */
export const SAMPLE_CLIENT: SignInClient = { id: 'web', redirectUri: 'https://web.shop.example/signed-in' }

/** A public client. */
export interface SignInClient {
  readonly id: string
  readonly redirectUri: string
}

/** Options of {@link signIn}. */
export interface SignInOptions {
  readonly issuer: string
  /** The one service that the access token is for (RFC 8707). */
  readonly resource: string
  readonly scope: readonly string[]
  readonly user: string
  readonly password: string
  /** The scope values that the user agrees to when she is asked: all of them unless told. */
  readonly consent?: readonly string[]
  readonly client?: SignInClient
  readonly fetch: FetchPage
}

/** Why nobody was signed in: an OAuth error of the provider, or `wrong_password`, `insufficient_scope`, `invalid_response`. No token is in it. */
export class SignInRefusal extends Error {
  readonly code: string

  constructor(code: string) {
    super(`sign-in refused: ${code}`)
    this.name = 'SignInRefusal'
    this.code = code
  }
}

/**
 * Signs a user in as a browser and an application in it would: authorization code with PKCE (RFC 7636, S256), a fresh `state`, the forms for password and
 * consent, `iss` of the answer (RFC 9207), then the code for an access token. In order it checks: the metadata is the issuer's own; `iss`, then `state`; a
 * token of type Bearer, with all the scope that the user agreed to. What the token says is for the resource to judge.
 *
 * @returns the access token
 * @throws SignInRefusal when the provider refuses, or answers what it should not
 */
export async function signIn(options: SignInOptions): Promise<string> {
  const { issuer, resource, scope, consent = scope, client = SAMPLE_CLIENT, fetch } = options
  const metadata = await readMetadata(issuer, fetch)
  const [state, verifier] = [randomText(), randomText()]
  const url = new URL(metadata.authorization)
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    scope: scope.join(' '),
    resource,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const answer = await walk(new Browser(issuer, fetch), url, options)
  const code = readAnswer(answer, { issuer, state, redirectUri: client.redirectUri })
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier: verifier, resource })
  form.set('client_id', client.id)
  form.set('redirect_uri', client.redirectUri)
  return readToken(await fetch(metadata.token, { method: 'POST', redirect: 'manual', body: form }), consent)
}

async function readMetadata(issuer: string, fetch: FetchPage): Promise<{ readonly authorization: string; readonly token: string }> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`, { redirect: 'manual' })
  const { issuer: named, authorization_endpoint: authorization, token_endpoint: token } = await readObject(response)
  const isOwn = (address: unknown): address is string => typeof address === 'string' && address.startsWith(`${issuer}/`)
  if (named !== issuer || !isOwn(authorization) || !isOwn(token)) throw new SignInRefusal('invalid_response')
  return { authorization, token }
}

/** Through the pages of the provider until it sends the browser back to the client. */
async function walk(browser: Browser, start: URL, options: SignInOptions): Promise<URL> {
  let next = await browser.open(start)
  for (let pages = 0; pages < 4; pages += 1) {
    if (next instanceof URL) return next
    next = await browser.open(...fillForm(next, options))
  }
  throw new SignInRefusal('invalid_response')
}

function fillForm(page: Page, { user, password, scope, consent = scope }: SignInOptions): [URL, URLSearchParams] {
  const form = formOf(page)
  if (form === undefined) throw new SignInRefusal(/<code>(\w+)<\/code>/.exec(page.html)?.[1] ?? 'invalid_response')
  const asksPassword = form.fields.some(([name]) => name === 'password')
  if (asksPassword && page.status === 401) throw new SignInRefusal('wrong_password')
  if (asksPassword) return [form.action, new URLSearchParams({ user, password })]
  const agreed = form.fields.filter(([name, value]) => name !== 'scope' || consent.includes(value))
  return [form.action, new URLSearchParams(agreed.map(([name, value]): [string, string] => [name, value]))]
}

function readAnswer(answer: URL, expected: { readonly issuer: string; readonly state: string; readonly redirectUri: string }): string {
  const { searchParams } = answer
  const isFor = `${answer.origin}${answer.pathname}` === expected.redirectUri
  if (!isFor || searchParams.get('iss') !== expected.issuer || searchParams.get('state') !== expected.state) {
    throw new SignInRefusal('invalid_response')
  }
  const error = searchParams.get('error')
  if (error !== null) throw new SignInRefusal(error)
  return searchParams.get('code') ?? ''
}

async function readToken(response: Response, expected: readonly string[]): Promise<string> {
  const { error, access_token: token, token_type: type, scope } = await readObject(response)
  if (!response.ok) throw new SignInRefusal(typeof error === 'string' ? error : 'invalid_response')
  if (typeof token !== 'string' || type !== 'Bearer') throw new SignInRefusal('invalid_response')
  const granted = typeof scope === 'string' ? scope.split(' ') : []
  if (!expected.every((value) => granted.includes(value))) throw new SignInRefusal('insufficient_scope')
  return token
}

async function readObject(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await response.json().catch(() => undefined)
  if (typeof value !== 'object' || value === null) throw new SignInRefusal('invalid_response')
  return value as Readonly<Record<string, unknown>>
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}
