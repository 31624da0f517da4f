import { createPrivateKey, generateKeyPairSync, type JsonWebKeyInput, randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseStrictJsonObject, WimseError } from '@wimse/core'
import Provider, { type Configuration, errors, type JWKS } from 'oidc-provider'
import type { LoginConfig } from './login-config.ts'
import { createMemoryAdapter } from './memory-adapter.ts'
import { errorPage } from './pages.ts'

/** Users come back for another one: what acts for them behind the storefront lives no longer than this. */
const ACCESS_TOKEN_SECONDS = 300

/**
 * The provider: authorization code with PKCE for one public client, and access tokens as JWTs (RFC 9068) for exactly one of the configured
 * resources (RFC 8707). What the library would bring beyond that is switched off.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for a key file that can't be used
 */
export async function createProvider(config: LoginConfig): Promise<Provider> {
  const { origin, client, resources, scope, users, accessTokenSeconds = ACCESS_TOKEN_SECONDS } = config
  const configuration: Configuration = {
    adapter: createMemoryAdapter(),
    jwks: config.keyFile === undefined ? generateKeys() : await readKeys(config.keyFile),
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: [
      {
        client_id: client.id,
        redirect_uris: [client.redirectUri],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    responseTypes: ['code'],
    pkce: { required: () => true },
    findAccount: (_ctx, id) => (users.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    renderError(ctx, out) {
      ctx.type = 'html'
      ctx.body = errorPage(out.error)
    },
    clientBasedCORS: () => false,
    ttl: { AccessToken: accessTokenSeconds, AuthorizationCode: 60, Interaction: 600, Session: 3600, Grant: 3600, IdToken: 300 },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => missingResource(),
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource) {
          if (!resources.includes(resource)) throw new errors.InvalidTarget('unknown resource')
          const asked = String(ctx.oidc.params?.['scope'] ?? '').split(' ')
          // Without this an unknown value would be dropped in silence.
          if (asked.some((value) => value !== '' && !scope.includes(value))) throw new errors.InvalidScope('unknown scope', '')
          return {
            scope: scope.join(' '),
            audience: resource,
            accessTokenTTL: accessTokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          }
        },
      },
    },
  }
  try {
    return new Provider(origin, configuration)
  } catch (error) {
    // The library judges the keys, and may quote them.
    if (config.keyFile !== undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyFile' })
    throw error
  }
}

function missingResource(): never {
  throw new errors.InvalidTarget('resource is missing')
}

function generateKeys(): JWKS {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' }] } as JWKS
}

async function readKeys(path: string): Promise<JWKS> {
  try {
    const { keys } = parseStrictJsonObject(await readFile(path))
    if (Array.isArray(keys) && keys.length > 0) {
      // The library would notice a key that is none when it is to sign.
      for (const key of keys) createPrivateKey({ key, format: 'jwk' } as JsonWebKeyInput)
      return { keys } as unknown as JWKS
    }
  } catch {
    // What the file held must not be quoted.
  }
  throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'keyFile' })
}
