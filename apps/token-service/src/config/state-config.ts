import { WimseError } from '@wimse/core'
import { checked, type Decoder, flag, integer, object, optional, text } from '@wimse/program'
import { parseRedisUrl } from '@wimse/replay-redis'
import { patterns } from './policy-config.ts'

/** A Redis that instances share. */
export interface RedisStateConfig {
  /** `rediss://…`; one of the two. */
  readonly url: string | undefined
  /** A file with the address, where that has a password. */
  readonly urlFile: string | undefined
  /** Authorities of its certificate, PEM; those of the platform unless told. */
  readonly caFile: string | undefined
  /** What its keys begin with; one for all instances of one issuer. */
  readonly prefix: string
  readonly timeoutMs: number
  /** How many replicas have to have a proof or a used grant before it counts. */
  readonly waitForReplicas: number
  /** Takes `redis://` beyond the loopback interface. */
  readonly allowInsecureConnection: boolean
}

/** Where a token service remembers proofs, used grants and revocations: in memory unless told. */
export interface StateConfig {
  readonly redis: RedisStateConfig | undefined
}

/** Who may stop subjects, workloads, transactions and tokens. */
export interface RevocationConfig {
  /** Identifiers, or patterns that end in `/*`; nobody unless told. */
  readonly operators: readonly string[]
}

const oneAddress = ({ url, urlFile, allowInsecureConnection }: RedisStateConfig): void => {
  if ((url === undefined) === (urlFile === undefined)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'url or urlFile' })
  if (url !== undefined) parseRedisUrl(url, { allowInsecureConnection })
}

const redis: Decoder<RedisStateConfig> = checked(
  object({
    url: optional(text, undefined),
    urlFile: optional(text, undefined),
    caFile: optional(text, undefined),
    prefix: optional(text, 'wimse:'),
    timeoutMs: optional(integer(10, 10_000), 500),
    waitForReplicas: optional(integer(0, 16), 0),
    allowInsecureConnection: optional(flag, false),
  }),
  oneAddress,
  'the address of a Redis',
)

export const state: Decoder<StateConfig> = object({ redis: optional(redis, undefined) })

export const revocation: Decoder<RevocationConfig> = object({ operators: patterns })
