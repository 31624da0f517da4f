import { readFile, writeFile } from 'node:fs/promises'
import type { Transport } from '@connectrpc/connect'
import { isWimseError } from '@wimse/core'
import { type AuthorityKind, authorityRotation, getBundle } from '@wimse/spire-api'
import type { Rotation, RotationOptions } from './spire-domain.ts'

/**
 * Rotates by plan where the server can; else, for the WIT key of SPIRE 1.15, takes the key away and lets the server find
 * that it needs a new one.
 *
 * @param restartWithoutWitKey stops the server, removes the key that it signs WITs with, starts it again.
 */
export async function rotateAuthorities(
  transport: Transport,
  kind: AuthorityKind,
  { beforeActivate, old = 'keep' }: RotationOptions,
  restartWithoutWitKey: () => Promise<void>,
): Promise<Rotation> {
  const rotation = authorityRotation(transport, kind)
  try {
    const { active: previous } = await rotation.states()
    const active = await rotation.prepare()
    await beforeActivate?.()
    await rotation.activate(active)
    if (previous !== undefined && old !== 'keep') await rotation.taint(previous)
    if (previous !== undefined && old === 'revoke') await rotation.revoke(previous)
    return { active, manner: 'planned' }
  } catch (failure) {
    if (kind !== 'wit' || !isWimseError(failure, 'ERR_SPIRE_API_UNIMPLEMENTED')) throw failure
  }
  const known = new Set((await getBundle(transport)).witAuthorities.map(({ keyId }) => keyId))
  await restartWithoutWitKey()
  const added = (await getBundle(transport)).witAuthorities.find(({ keyId }) => !known.has(keyId))
  if (added === undefined) throw new Error('the server came back without a new WIT key')
  return { active: added.keyId, manner: 'replaced' }
}

/** Removes the WIT signing keys from the file of SPIRE's disk key manager. The server must not run meanwhile. */
export async function removeWitKeys(keysPath: string): Promise<void> {
  await writeFile(keysPath, withoutWitKeys(await readFile(keysPath, 'utf8')))
}

export function withoutWitKeys(keysFile: string): string {
  const { keys, ...rest } = JSON.parse(keysFile) as { readonly keys: Readonly<Record<string, string>> }
  const kept = Object.entries(keys).filter(([id]) => !id.startsWith('WIT-Signer-'))
  return JSON.stringify({ ...rest, keys: Object.fromEntries(kept) })
}
