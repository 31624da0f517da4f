import { createHash } from 'node:crypto'
import { type FieldLines, formatBase64url, type RequestView, type ResponseView } from '@wimse/core'
import { createSignatureBase, parseSignatures } from '@wimse/http-message-signatures'
import { decodeUnverifiedJws } from '@wimse/keys'
import type { VerifiedPeer } from '@wimse/mutual-tls'
import { tokenName } from '../suite/evidence.ts'

const SECRET_FIELDS: Readonly<Record<string, string>> = {
  'workload-identity-token': 'wit',
  'txn-token': 'transaction token',
  cookie: 'cookie',
}

function redactValue(name: string, value: string): string {
  const lower = name.toLowerCase()
  if (lower === 'authorization') {
    const [scheme = '', ...rest] = value.split(' ')
    return `${scheme} ${tokenName(scheme.toLowerCase() === 'wpt' ? 'wpt' : 'token', rest.join(' '))}`
  }
  if (lower === 'signature') return value.replace(/:[A-Za-z0-9+/=]*:/g, (bytes) => tokenName('signature', bytes))
  const kind = SECRET_FIELDS[lower]
  return kind === undefined ? value : tokenName(kind, value)
}

function lines(fields: FieldLines): string[] {
  return fields.map(([name, value]) => `${name}: ${redactValue(name, value)}`)
}

/** The lines of a request for the report, tokens replaced by their names. */
export function describeRequest(request: RequestView): string[] {
  const query = request.query === undefined ? '' : `?${request.query}`
  return [
    `${request.method} ${request.path}${query}`,
    `host: ${request.authority}`,
    ...lines(request.fields),
    ...describeBody(request.body),
  ]
}

/** The lines of a response for the report. */
export function describeResponse(response: ResponseView): string[] {
  return [String(response.status), ...lines(response.fields), ...describeBody(response.body)]
}

function describeBody(body: RequestView['body']): string[] {
  return body instanceof Uint8Array && body.length > 0 ? ['', nameTokens(new TextDecoder().decode(body))] : []
}

// An encoded JSON object and two more parts, as every JWS begins: in the forms and answers of token endpoints.
const JWS = /e[wy][A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g

/** A text with its tokens replaced by their names. */
export function nameTokens(text: string): string {
  return text.replace(JWS, (token) => tokenName('token', token))
}

/** The signature base of the first signature of a message, tokens replaced by their names; undefined without one. */
export function describeSignatureBase(message: RequestView | ResponseView, request?: RequestView): string[] | undefined {
  try {
    const [signature] = parseSignatures(message.fields)
    if (signature === undefined) return undefined
    const context = request === undefined ? {} : { request }
    const base = createSignatureBase(message, signature.components, signature.signatureParams, context)
    return base.split('\n').map((line) => {
      const [, name, value] = /^"([^"]+)"(?:;[^:]*)?: (.*)$/.exec(line) ?? []
      return name === undefined || value === undefined ? line : `"${name}": ${redactValue(name, value)}`
    })
  } catch {
    return undefined
  }
}

/** The claims of a token that tell what it is for; identifiers of single uses are hashed. */
export function describeToken(token: string | undefined): Record<string, string | number> | undefined {
  if (token === undefined) return undefined
  try {
    const { header, payload } = decodeUnverifiedJws(token)
    const shown: Record<string, string | number> = {}
    for (const name of ['alg', 'typ', 'kid']) if (typeof header[name] === 'string') shown[name] = header[name]
    for (const name of ['sub', 'aud', 'exp', 'iat', 'txn', 'scope', 'wth', 'tth']) {
      const value = payload[name]
      if (typeof value === 'string' || typeof value === 'number') shown[name] = value
    }
    return shown
  } catch {
    return undefined
  }
}

/** The certificate path of a peer: identifiers and hashes, no key. */
export function describePeer(peer: VerifiedPeer | undefined): Record<string, unknown> | undefined {
  if (peer === undefined) return undefined
  const { certificate } = peer
  return {
    identifier: peer.identifier,
    notAfter: new Date(certificate.notAfter * 1000).toISOString(),
    anchor: `sha256:${certificate.anchorSha256}`,
    chain: certificate.chain.map((der) => `sha256:${createHash('sha256').update(der).digest('hex')}`),
  }
}

/** SHA-256 of a WIT as proofs name it. */
export function witHash(token: string): string {
  return formatBase64url(createHash('sha256').update(token).digest())
}
