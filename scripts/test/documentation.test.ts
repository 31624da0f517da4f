import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { parseWitAgentConfig } from '../../apps/wit-agent/src/config/wit-agent-config.ts'

const root = dirname(dirname(import.meta.dirname))
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'apps/*/README.md', 'apps/shop/*/README.md', 'interop/**/*.md'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
}).toSorted()

/** What a program that is a fragment finds where it stands. Guides have whole programs and find nothing. */
const GIVEN: Readonly<Record<string, string>> = {
  'README.md': `
    declare const workload: import('@wimse/workload/node').Workload
    declare const app: import('hono').Hono<import('@wimse/workload/hono').PeerVariables>
    declare const body: string
    declare const replay: import('@wimse/core').ReplayStore
    declare const request: Request
    declare const bundles: Record<string, Uint8Array>
    declare const audience: string
    declare const trust: import('@wimse/trust').TrustStore`,
  'apps/shop/login/README.md': `
    declare const trust: import('@wimse/trust').TrustStore`,
  'packages/http-message-signatures/README.md': `
    declare const signer: import('@wimse/keys').Signer
    declare const verifier: import('@wimse/keys').Verifier
    declare const runtime: import('@wimse/core').Runtime`,
  'packages/http-signature/README.md': `
    import { inMemoryReplayStore, type RequestView, type ResponseView } from '@wimse/core'
    import { createRequestVerifier, signRequest, signResponse, verifyResponse } from '@wimse/http-signature'
    import { createWitVerifier, readWitField, type WitCredential } from '@wimse/wit'
    declare const request: RequestView
    declare const ok: ResponseView
    declare const credential: WitCredential
    declare const own: WitCredential
    declare const payments: string
    declare const trust: import('@wimse/trust').TrustStore
    declare function send(request: RequestView): Promise<ResponseView>`,
  'packages/message-grpc/README.md': `
    import type { StringValueSchema } from '@bufbuild/protobuf/wkt'
    declare const JobService: import('@bufbuild/protobuf/codegenv2').GenService<{
      submit: { methodKind: 'unary'; input: typeof StringValueSchema; output: typeof StringValueSchema }
    }>
    declare const verifyWit: import('@wimse/wit').WitVerifier
    declare const ownCredential: import('@wimse/wit').WitCredential
    declare const cert: string, key: string`,
  'packages/mutual-tls/README.md': `
    declare const source: import('@wimse/workload-api').X509Source
    declare const trust: import('@wimse/trust').TrustStore`,
  'packages/spire-api/README.md': `
    declare const trustAnchorsPem: readonly string[]
    declare const csr: Uint8Array
    declare const joinToken: string
    declare const certificateChainPem: string
    declare const privateKeyPem: string
    declare const publicKey: Uint8Array`,
  'packages/token-exchange/README.md': `
    declare const accessToken: string
    declare const claims: import('@wimse/core').JsonObject
    declare const client: import('@wimse/token-exchange').AuthenticatedClient
    declare const clientAtBank: import('@wimse/token-exchange').AuthenticatedClient
    declare const credential: import('@wimse/wit').WitCredential
    declare const issuers: import('@wimse/token-exchange').IssuerKeys
    declare const replay: import('@wimse/core').ReplayStore
    declare const signer: import('@wimse/keys').Signer
    declare const token: string
    declare const transactionToken: string
    declare const trust: import('@wimse/trust').TrustStore
    declare const wit: import('@wimse/wit').VerifiedWit`,
  'packages/workload/README.md': `
    declare const workload: import('@wimse/workload/node').Workload
    declare const body: string
    declare const bundles: Record<string, Uint8Array>
    declare const audience: string
    declare const request: Request & import('@wimse/core').RequestView
    declare const token: string
    declare const trust: import('@wimse/trust').TrustStore
    declare const replay: import('@wimse/core').ReplayStore`,
}

const programs = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, text = ''], index) => ({
    page,
    // In a folder of this repository, so that the packages are found by their names.
    path: join(root, 'scripts/test', `${page.replaceAll(/\W/g, '-')}-${index + 1}.ts`),
    text: declarationsFor(page, text) + text,
  })),
)

/** The given names that the program does not make itself: it may use one as its own. */
function declarationsFor(page: string, text: string): string {
  const lines = (GIVEN[page] ?? '').split('\n').filter((line) => {
    const name = /declare (?:const|function) (\w+)/.exec(line)?.[1]
    return name === undefined || !new RegExp(`(?:const|let) (?:${name}\\b|[{[][^}\\]]*\\b${name}\\b[^}\\]]*[}\\]])`).test(text)
  })
  return `${lines.join('\n')}\nexport {}\n`
}

function faultsOf(sources: typeof programs): ReadonlyMap<string, readonly string[]> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.test.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['knip.ts'] }, ts.sys, root)
  const texts = new Map(sources.map(({ path, text }) => [path, text]))
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile(path, languageVersion, ...rest) : ts.createSourceFile(path, text, languageVersion)
  }
  const program = ts.createProgram([...texts.keys()], { ...options, noUnusedLocals: false, noImplicitAny: true }, host)
  return new Map(
    sources.map(({ path }) => {
      const file = program.getSourceFile(path)
      const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
      return [path, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))]
    }),
  )
}

/** What a project gets that installs these workspaces from tarballs and nothing else of this repository: each with what it depends on. */
function dependenciesOf(name: string): readonly string[] {
  const [path = ''] = globSync([`packages/${name}/package.json`, `apps/${name}/package.json`], { cwd: root })
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { dependencies?: Record<string, string> }
  return Object.keys(dependencies).flatMap((dependency) => (dependency.startsWith('@wimse/') ? [dependency.slice('@wimse/'.length)] : []))
}

const tarballs = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/wimse-\{([\w,-]+)\}-/g)].map(([, names = '']) => [page, names] as const),
)

describe('documentation', () => {
  const faults = faultsOf(programs)

  it.each(programs.map(({ page, path }) => [page, path] as const))('%s: its programs have the right types (%#)', (_page, path) => {
    expect(faults.get(path)).toEqual([])
  })

  it.each(pages)('%s: its links lead somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
    expect(targets.filter((target) => globSync(join(dirname(page), target), { cwd: root }).length === 0)).toEqual([])
  })

  it.each(tarballs)('%s: the tarballs of %s need no others of this repository', (_page, names) => {
    const listed = names.split(',')
    expect(listed.flatMap(dependenciesOf).filter((name) => !listed.includes(name))).toEqual([])
  })

  it('has lists of tarballs', () => expect(tarballs.length).toBeGreaterThan(0))

  it('the guide for SPIRE 1.15 configures a WIT agent', () => {
    const guide = readFileSync(join(root, 'docs/guides/spire-1.15.md'), 'utf8')
    const lines = guide.split('\n')
    const begin = lines.indexOf('    {')
    const document = lines.slice(begin, lines.indexOf('    }', begin) + 1).join('\n')
    expect(parseWitAgentConfig(JSON.parse(document))).toMatchObject({ trustDomain: 'shop.example', witEndpoint: { port: 8443 } })
  })
})
