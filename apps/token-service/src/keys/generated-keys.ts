import type { JsonObject, Runtime } from '@wimse/core'
import { generateSigner, type SignatureAlgorithm } from '@wimse/keys'
import { describeFailure, type OperatorLog } from '@wimse/program'
import { type PublishedKeys, publicHalf, publishKeys, type SigningKey, type SigningKeys } from './signing-keys.ts'

/** How keys are made. */
export interface GeneratedKeysOptions {
  readonly algorithm: SignatureAlgorithm
  readonly rotateEverySeconds: number
  /** How long a key is published that signs no more: the longest life of a token, and clocks. */
  readonly overlapSeconds: number
  /** How long after it signed a key still verifies deferred grants here: their longest life. As long as it is published unless told. */
  readonly keptSeconds?: number
  readonly runtime: Runtime
  readonly log: OperatorLog
}

/**
 * Keys that are made at start and never leave the process. The next key is published a whole period before it signs, the last one until
 * all has expired that others verify. Its public half is kept beyond that for the deferred grants that it signed, and for nothing else.
 */
export async function generatedKeys(options: GeneratedKeysOptions): Promise<SigningKeys> {
  const { algorithm, runtime, log, rotateEverySeconds, overlapSeconds, keptSeconds = overlapSeconds } = options
  const make = async (): Promise<SigningKey> => {
    const { signer } = await generateSigner(algorithm, runtime)
    return { signer, keyId: signer.thumbprint }
  }
  let active = await make()
  let next = await make()
  let retired: readonly { readonly jwk: JsonObject; readonly since: number }[] = []
  let published: PublishedKeys = publishKeys(active, [publicHalf(next)])
  const republish = (): void => {
    const within = (seconds: number) => retired.filter(({ since }) => since + seconds * 1000 > runtime.now())
    const shown = within(overlapSeconds)
    retired = within(Math.max(overlapSeconds, keptSeconds))
    const kept = retired.filter((entry) => !shown.includes(entry))
    published = publishKeys(
      active,
      [publicHalf(next), ...shown.map(({ jwk }) => jwk)],
      kept.map(({ jwk }) => jwk),
    )
  }
  const ended = new AbortController()
  const rotate = async (): Promise<void> => {
    const prepared = await make()
    retired = [{ jwk: publicHalf(active), since: runtime.now() }, ...retired]
    active = next
    next = prepared
    republish()
    log.event('keys.rotated', { keyId: active.keyId, nextKeyId: next.keyId })
    // What is kept longer goes with a later rotation.
    void runtime.delay(overlapSeconds * 1000, ended.signal).then(republish)
  }
  const keepRotating = async (): Promise<void> => {
    for (;;) {
      await runtime.delay(rotateEverySeconds * 1000, ended.signal)
      if (ended.signal.aborted) return
      // The keys that are there go on.
      await rotate().catch((error: unknown) => log.event('keys.unusable', describeFailure(error)))
    }
  }
  void keepRotating()
  return {
    current: () => active,
    jwks: () => published.jwks,
    authorities: () => published.authorities,
    grantAuthorities: () => published.grantAuthorities,
    close: () => ended.abort(),
  }
}
