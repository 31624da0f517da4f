import { type ErrorCode, errorTable } from '../../packages/core/src/errors/error-table.ts'
import type { Requirement } from './requirement-catalogue.ts'

interface Family {
  readonly prefix: string
  readonly title: string
  readonly about: string
}

/** In the order of the page. A code belongs to the family with the longest prefix that fits. */
const families: readonly Family[] = [
  { prefix: 'ERR_WIT', title: 'Workload Identity Tokens', about: 'The credential itself, before any proof is looked at.' },
  { prefix: 'ERR_WPT', title: 'Workload Proof Tokens', about: 'The proof in `Authorization: WPT`.' },
  { prefix: 'ERR_EXCHANGE', title: 'Token exchange', about: 'Requests to a token endpoint, and the clients that make them.' },
  { prefix: 'ERR_TXN', title: 'Transaction tokens', about: 'The token that travels beside the proof.' },
  { prefix: 'ERR_PROOF', title: 'Which proofs a message has', about: 'Told by an endpoint that takes several kinds of proof.' },
  { prefix: 'ERR_HTTP_SIGNATURE', title: 'HTTP signatures of workloads', about: 'The WIMSE profile, on requests and responses.' },
  { prefix: 'ERR_HTTP_MESSAGE', title: 'HTTP message signatures', about: 'RFC 9421 in general, below the profile.' },
  { prefix: 'ERR_DIGEST', title: 'Digests', about: 'Content-Digest and the body.' },
  {
    prefix: 'ERR_MTLS',
    title: 'Mutual TLS',
    about: 'Connections. A peer that is refused sees a closed connection; the code is for the operator.',
  },
  { prefix: 'ERR_X509', title: 'Certificates', about: 'X.509-SVIDs, workload identity certificates and the path above them.' },
  { prefix: 'ERR_JWT_SVID', title: 'JWT-SVIDs', about: 'Bearer tokens of SPIFFE.' },
  { prefix: 'ERR_TRUST', title: 'Trust domains and bundles', about: 'Which anchors a trust domain has, and where they come from.' },
  { prefix: 'ERR_POLICY', title: 'Policy', about: 'The caller is known, and may not.' },
  { prefix: 'ERR_REPLAY', title: 'Replay', about: 'The memory of proofs that were seen.' },
  { prefix: 'ERR_IDENTIFIER', title: 'Identifiers', about: 'Workload Identifiers, patterns, and the table of peers.' },
  { prefix: 'ERR_TRUST_DOMAIN', title: 'Names of trust domains', about: 'The first part of an identifier.' },
  { prefix: 'ERR_KEY', title: 'Keys', about: 'Keys as JWK, SPKI or PKCS#8.' },
  { prefix: 'ERR_ALGORITHM', title: 'Algorithms', about: 'What local policy lets a key be used for.' },
  { prefix: 'ERR_JWS', title: 'Compact JWS', about: 'The form that WITs, WPTs and JWT-SVIDs share.' },
  { prefix: 'ERR_ENCODING', title: 'Encodings', about: 'base64url and JSON, where nothing more specific is known.' },
  { prefix: 'ERR_MESSAGE', title: 'HTTP messages', about: 'The message around credentials and proofs.' },
  { prefix: 'ERR_MESSAGE_PROOF', title: 'Proofs of messages', about: 'Messages of brokers, and calls by gRPC, with a proof of their own.' },
  { prefix: 'ERR_CREDENTIAL', title: 'Own credentials', about: 'What this service would prove itself with.' },
  { prefix: 'ERR_INSECURE', title: 'Channels', about: 'Where a call may go.' },
  { prefix: 'ERR_OPTIONS', title: 'Options', about: 'Faults of configuration; thrown when something is made, not when a request comes.' },
  { prefix: 'ERR_WORKLOAD_API', title: 'Workload API', about: 'Between a workload and the SPIFFE agent beside it.' },
  { prefix: 'ERR_SPIRE_API', title: 'SPIRE server API', about: 'Between the WIT agent and a SPIRE server.' },
  { prefix: 'ERR_WIT_AGENT', title: 'WIT agent', about: 'Between a workload and the WIT agent.' },
]

const others: Family = { prefix: '', title: 'Others', about: 'Codes of no family above.' }

/** The page of every error code, as Markdown. */
export function errorPage(catalogue: ReadonlyMap<string, Requirement>): string {
  const codes = Object.keys(errorTable) as ErrorCode[]
  const byFamily = Map.groupBy(codes, familyOf)
  const sections = [...families, others].flatMap((family) => {
    const members = byFamily.get(family)
    return members === undefined ? [] : [sectionOf(family, members, catalogue)]
  })
  return `${HEAD.replace('COUNT', String(codes.length))}\n${sections.join('\n')}`
}

function familyOf(code: ErrorCode): Family {
  const fitting = families.filter(({ prefix }) => code.startsWith(`${prefix}_`))
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0] ?? others
}

function sectionOf({ title, about }: Family, codes: readonly ErrorCode[], catalogue: ReadonlyMap<string, Requirement>): string {
  const rows = codes.map((code) => {
    const { reason, requirement, sentence } = errorTable[code]
    return `| \`${code}\` | ${statusOf(code)} | \`${reason}\` | ${requirementOf(requirement, catalogue)} | ${sentence} |`
  })
  return `## ${title}\n\n${about}\n\n| code | status | reason | requirement | sentence |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

function statusOf(code: ErrorCode): string {
  const { status, challenge } = errorTable[code]
  if (challenge === 'always') return '401 WPT'
  return challenge === 'wpt-endpoint' ? `401 WPT, else ${status}` : String(status)
}

function requirementOf(id: string, catalogue: ReadonlyMap<string, Requirement>): string {
  const found = catalogue.get(id)
  return found === undefined ? 'our own rule' : `${id} (${found.specification}, section ${found.section})`
}

const HEAD = `# Errors

<!-- Made by scripts/error-docs.ts from the error table in packages/core/src/errors; a gate of npm test compares it. -->

Input, however malformed, ends in a value or in a \`WimseError\`. What tells errors apart is \`code\`; there are COUNT of them, and this
page is made from the one table that the packages use themselves.

- **code**: \`error.code\`, and the member \`code\` of the problem details.
- **status**: of the answer that \`errorAnswer\` makes. \`401 WPT\` carries \`WWW-Authenticate: WPT\`; \`401 WPT, else 400\` does so where the
  endpoint takes WPTs, and is a plain 400 elsewhere. 500 is a fault of this side, 502 one of somebody that this side called, 503
  something that is away for the moment.
- **reason**: the name that test vectors share, and the end of the problem type: \`urn:wimse:problem:<reason>\`. Several codes may share one.
- **requirement**: what was violated; \`npm run requirement -- <id>\` shows its text, its code and its tests.
- **sentence**: \`error.message\` and the \`title\` of the problem details: all that a remote caller reads. What else there is to know is in
  \`error.detail\` and \`error.cause\`, for the operator, without tokens and keys.

\`\`\`ts
import { errorResponse, isWimseError } from '@wimse/core'

export function answerTo(error: unknown): Response {
  if (!isWimseError(error)) throw error
  return errorResponse(error.code, { takesWpt: true })
}
\`\`\`
`
