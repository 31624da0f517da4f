import { readFile } from 'node:fs/promises'
import { isJsonObject, isWimseError, type JsonValue, parseStrictJsonObject, type Runtime, WimseError } from '@wimse/core'
import { createSigner } from '@wimse/keys'
import { publicHalf, publishKeys, type SigningKey, type SigningKeys } from './signing-keys.ts'

const MAX_KEYS = 8

/** Keys of a file, which can be read again. */
export interface KeyFile extends SigningKeys {
  /** Reads the file again. What can't be used leaves the keys as they are. @throws WimseError `ERR_OPTIONS_INVALID` */
  reload(): Promise<void>
}

/**
 * Keys of a JWK set with private keys, each with `kid` and `alg`. The first one signs, all are published. To rotate: add the new key at the end,
 * later move it to the front, and take the old one out when all that it signed has expired; reload after each step.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID`
 */
export async function keyFile(path: string, runtime: Pick<Runtime, 'crypto'>): Promise<KeyFile> {
  const load = async () => {
    const [active, ...others] = await readKeys(path, runtime)
    if (active === undefined) throw refused('no key')
    return publishKeys(active, others.map(publicHalf))
  }
  let published = await load()
  return {
    current: () => published.active,
    jwks: () => published.jwks,
    authorities: () => published.authorities,
    // The operator leaves a key in the file for as long as its grants live.
    grantAuthorities: () => published.grantAuthorities,
    close: () => undefined,
    async reload() {
      published = await load()
    },
  }
}

async function readKeys(path: string, runtime: Pick<Runtime, 'crypto'>): Promise<readonly SigningKey[]> {
  const octets = await readFile(path).catch(() => {
    throw refused('the file can not be read')
  })
  try {
    const { keys } = parseStrictJsonObject(octets)
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw refused(`a set of 1 to ${MAX_KEYS} keys was expected`)
    const read = await Promise.all(keys.map((jwk: JsonValue) => readKey(jwk, runtime)))
    if (new Set(read.map(({ keyId }) => keyId)).size !== read.length) throw refused('a kid occurs twice')
    return read
  } catch (error) {
    // No key and no part of one is in the detail of an error.
    throw isWimseError(error) && error.code !== 'ERR_OPTIONS_INVALID' ? refused(error.code) : error
  }
}

async function readKey(jwk: JsonValue, runtime: Pick<Runtime, 'crypto'>): Promise<SigningKey> {
  const kid = isJsonObject(jwk) ? jwk['kid'] : undefined
  if (typeof kid !== 'string' || kid === '') throw refused('a key without kid')
  return { signer: await createSigner(jwk, { runtime }), keyId: kid }
}

function refused(detail: string): WimseError {
  return new WimseError('ERR_OPTIONS_INVALID', { detail: `keys.file: ${detail}` })
}
