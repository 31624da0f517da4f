import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatBase64url,
  isJsonObject,
  type JsonValue,
  parseBase64url,
  parseStrictJsonObject,
  parseWorkloadIdentifier,
  trustDomainOf,
  WimseError,
} from '@wimse/core'
import type { HeldSvid } from './held-svid.ts'

/** What a WIT agent keeps over restarts. */
export interface AgentState {
  readonly node?: HeldSvid
  /** X.509 roots in DER, as the server gave them last. Empty: none yet. */
  readonly anchors: readonly Uint8Array[]
  /** Of the bootstrap bundle that the agent began with: another one means that the operator has replaced it. */
  readonly bootstrapDigest?: string
  /** Of the join token that was used: a token is good for one attestation. */
  readonly joinTokenDigest?: string
  /** The highest sequence number that a bundle was published with. */
  readonly bundleSequence: number
}

/** Where the state is kept. */
export interface StateStore {
  load(): Promise<AgentState>
  save(state: AgentState): Promise<void>
}

export const STATE_FILE = 'state.json'
const MAX_STATE_BYTES = 1024 * 1024
const EMPTY: AgentState = { anchors: [], bundleSequence: 0 }

/** Keeps nothing over restarts. */
export function memoryState(): StateStore {
  let state = EMPTY
  return {
    load: async () => state,
    save: async (next) => {
      state = next
    },
  }
}

/**
 * Keeps the state in one file of a directory. It holds the node's private key: the file has mode 0600, the directory 0700 when it is
 * made here, and a file that others may read is refused. Each version replaces the one before as a whole.
 */
export function fileState(directory: string): StateStore {
  const path = join(directory, STATE_FILE)
  return {
    async load(): Promise<AgentState> {
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) return EMPTY
      if ((found.mode & 0o077) !== 0) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'dataDirectory: the state is open to others' })
      if (found.size > MAX_STATE_BYTES) throw unreadable()
      return parseState(await readFile(path))
    },
    async save(state): Promise<void> {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const temporary = `${path}.new`
      await rm(temporary, { force: true })
      const file = await open(temporary, 'wx', 0o600)
      try {
        await file.writeFile(formatState(state))
        await file.sync()
      } finally {
        await file.close()
      }
      await chmod(temporary, 0o600)
      await rename(temporary, path)
    },
  }
}

/** The document in the file. */
export function formatState({ node, anchors, ...rest }: AgentState): string {
  const kept = node && {
    identifier: node.identifier,
    chain: node.chain.map(formatBase64url),
    privateKey: formatBase64url(node.privateKey),
    notAfter: node.notAfter,
    renewAt: node.renewAt,
  }
  return `${JSON.stringify({ version: 1, ...rest, anchors: anchors.map(formatBase64url), ...(kept && { node: kept }) })}\n`
}

/** @throws WimseError `ERR_OPTIONS_INVALID` for anything but what {@link formatState} makes */
export function parseState(octets: Uint8Array): AgentState {
  try {
    const { version, node, anchors, bootstrapDigest, joinTokenDigest, bundleSequence } = parseStrictJsonObject(octets, {
      maxBytes: MAX_STATE_BYTES,
    })
    if (version !== 1) throw unreadable()
    return {
      anchors: list(anchors).map(octetsOf),
      bundleSequence: number(bundleSequence),
      ...(bootstrapDigest !== undefined && { bootstrapDigest: string(bootstrapDigest) }),
      ...(joinTokenDigest !== undefined && { joinTokenDigest: string(joinTokenDigest) }),
      ...(node !== undefined && { node: parseNode(node) }),
    }
  } catch {
    // What was wrong may lie in the key's member: nothing of it is passed on.
    throw unreadable()
  }
}

function parseNode(value: JsonValue): HeldSvid {
  if (!isJsonObject(value)) throw unreadable()
  const identifier = parseWorkloadIdentifier(string(value['identifier']))
  const chain = list(value['chain']).map(octetsOf)
  if (chain.length === 0) throw unreadable()
  return {
    identifier,
    trustDomain: trustDomainOf(identifier),
    chain,
    privateKey: octetsOf(value['privateKey']),
    notAfter: number(value['notAfter']),
    renewAt: number(value['renewAt']),
  }
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable()
  return value
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw unreadable()
  return value
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unreadable()
  return value
}

function octetsOf(value: unknown): Uint8Array {
  return parseBase64url(string(value))
}

function unreadable(): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail: 'dataDirectory: the state can not be read' })
}
