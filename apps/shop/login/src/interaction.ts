import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { isWimseError, readBody } from '@wimse/core'
import type { default as Provider, errors as providerErrors } from 'oidc-provider'
import type { LoginConfig } from './login-config.ts'
import { consentPage, errorPage, loginPage, PAGE_FIELDS } from './pages.ts'

const MAX_FORM_BYTES = 4096

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/**
 * The pages between a client's request and its answer: who are you, and what may the client do? The provider's cookie ties a form to the browser that
 * asked; it is sent with no form of another site.
 */
export async function answerInteraction(
  provider: Provider,
  { users }: Pick<LoginConfig, 'users'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const interaction = await provider.interactionDetails(request, response)
    const action = `/interaction/${interaction.uid}`
    const form = request.method === 'POST' ? await readForm(request) : undefined
    if (interaction.prompt.name === 'login') {
      if (form === undefined) return send(response, 200, loginPage(action, false))
      const user = form.get('user') ?? ''
      if (!isPassword(users.get(user), form.get('password') ?? '')) return send(response, 401, loginPage(action, true))
      return await provider.interactionFinished(request, response, { login: { accountId: user } }, { mergeWithLastSubmission: false })
    }
    const asked = askedScope(interaction)
    const { client_id: client, resource } = interaction.params
    if (form === undefined) {
      return send(
        response,
        200,
        consentPage(action, { client: String(client), resource: String(resource), scope: Object.values(asked).flat() }),
      )
    }
    const grantId = await saveGrant(provider, interaction, asked, new Set(form.getAll('scope')))
    await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true })
  } catch (error) {
    if (isWimseError(error)) return send(response, 400, errorPage('invalid_request'))
    // Unknown, ended, or of another browser.
    if (isProviderError(error)) return send(response, error.statusCode, errorPage(error.error))
    throw error
  }
}

/** What the user agrees to becomes the grant; the rest is kept as refused, so that it isn't asked for again and again. */
async function saveGrant(
  provider: Provider,
  { grantId, session, params }: Interaction,
  asked: Readonly<Record<string, readonly string[]>>,
  agreed: ReadonlySet<string>,
): Promise<string> {
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant = known ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params['client_id']) })
  for (const [resource, scope] of Object.entries(asked)) {
    grant.addResourceScope(resource, scope.filter((value) => agreed.has(value)).join(' '))
    grant.rejectResourceScope(resource, scope.filter((value) => !agreed.has(value)).join(' '))
  }
  return grant.save()
}

function askedScope({ prompt }: Interaction): Readonly<Record<string, readonly string[]>> {
  return (prompt.details['missingResourceScopes'] ?? {}) as Readonly<Record<string, readonly string[]>>
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const octets = await readBody(Readable.toWeb(request) as ReadableStream<Uint8Array>, MAX_FORM_BYTES)
  return new URLSearchParams(new TextDecoder().decode(octets))
}

function isPassword(expected: string | undefined, given: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(expected ?? ''), hash(given)) && expected !== undefined
}

function isProviderError(error: unknown): error is providerErrors.OIDCProviderError {
  return error instanceof Error && 'statusCode' in error && 'error' in error && typeof error.error === 'string'
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, PAGE_FIELDS).end(body)
}
