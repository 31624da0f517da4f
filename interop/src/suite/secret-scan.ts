import { createHash } from 'node:crypto'
import { privateKeyOffsets } from './private-key-shape.ts'

/** A text that nothing secret may be in. */
export interface ScannedText {
  readonly name: string
  readonly text: string
}

/** Something secret that was found. It names the place and the kind; what was found is named by its hash alone. */
export interface SecretFinding {
  readonly where: string
  readonly line: number
  readonly kind: 'token' | 'signature' | 'private key (PEM)' | 'private key (DER)' | 'private key (JWK)'
  readonly hash: string
}

interface Match {
  readonly kind: SecretFinding['kind']
  readonly index: number
  readonly text: string
}

/** Finds tokens, signature values and private keys in texts. */
export function scanForSecrets(texts: readonly ScannedText[]): readonly SecretFinding[] {
  return texts.flatMap(({ name, text }) =>
    matchesIn(text).map(({ kind, index, text: found }) => ({
      where: name,
      line: text.slice(0, index).split('\n').length,
      kind,
      hash: createHash('sha256').update(found).digest('hex').slice(0, 16),
    })),
  )
}

/** One line for one finding. */
export function describeFinding({ where, line, kind, hash }: SecretFinding): string {
  return `${kind} in ${where}, line ${line} (sha-256 ${hash})`
}

function matchesIn(text: string): readonly Match[] {
  return [...tokensIn(text), ...SHAPES.flatMap(([kind, shape]) => shapesIn(text, kind, shape)), ...derIn(text)]
}

const JWK_PRIVATE = /(?<![A-Za-z0-9_$-])\\*["']?(?:d|dp|dq|qi)\\*["']?\s*[:=]\s*\\*["']([A-Za-z0-9_-]{32,})/g
const SHAPES: readonly (readonly [SecretFinding['kind'], RegExp])[] = [
  ['private key (PEM)', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/g],
  ['private key (JWK)', JWK_PRIVATE],
  // A member of the Signature field; the digests of Content-Digest have that form as well and are no secret.
  ['signature', /(?<![A-Za-z0-9*_.-])(?!sha-)[a-z*][a-z0-9*_.-]*=:[A-Za-z0-9+/]{64,}={0,2}:/g],
]

function shapesIn(text: string, kind: SecretFinding['kind'], shape: RegExp): readonly Match[] {
  return [...text.matchAll(shape)].map((match) => ({ kind, index: match.index, text: match[0] }))
}

const JWS_RUN = /[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2,}/g
const MIN_SIGNATURE_CHARACTERS = 16

/** JWS in compact form, attached or detached, wherever they stand. */
function tokensIn(text: string): readonly Match[] {
  return [...text.matchAll(JWS_RUN)].flatMap((run) => {
    const parts = run[0].split('.')
    const found = parts.findIndex((part, at) => endsWithJoseHeader(part) && (parts[at + 2]?.length ?? 0) >= MIN_SIGNATURE_CHARACTERS)
    return found === -1 ? [] : [{ kind: 'token', index: run.index, text: parts.slice(found, found + 3).join('.') } as const]
  })
}

/** Whether the part, or the end of it where something is glued to its front, is an encoded JSON object with `alg`. */
function endsWithJoseHeader(part: string): boolean {
  for (const { index } of part.matchAll(/e[wy]/g)) {
    try {
      const header: unknown = JSON.parse(Buffer.from(part.slice(index), 'base64url').toString('utf8'))
      if (typeof header === 'object' && header !== null && 'alg' in header) return true
    } catch {
      // Not a header: the next place may be one.
    }
  }
  return false
}

const BASE64_RUN = /[A-Za-z0-9+/_-]{48,}/g
const HEX_RUN = /[0-9a-fA-F]{64,}/g

function derIn(text: string): readonly Match[] {
  const inBase64 = [...text.matchAll(BASE64_RUN)].flatMap((run) => derAt(run[0], run.index, 'base64'))
  const inHex = [...text.matchAll(HEX_RUN)].flatMap((run) => derAt(run[0], run.index, 'hex'))
  return [...inBase64, ...inHex]
}

function derAt(run: string, index: number, encoding: 'base64' | 'hex'): readonly Match[] {
  return privateKeyOffsets(run, encoding).map((offset) => ({ kind: 'private key (DER)', index: index + offset, text: run.slice(offset) }))
}
