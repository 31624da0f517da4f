import { concatOctets, sameOctets } from '@wimse/core'
import { watchX509Contexts, type X509Credential } from '../profiles/x509-svid.ts'
import type { CredentialSource } from './live-value.ts'
import { createSvidSource, type WatchedSourceOptions } from './svid-source.ts'

/** Holds the X.509-SVID of this workload, with its private key. */
export type X509Source = CredentialSource<X509Credential>

/**
 * A source of this workload's X.509-SVID that follows its rotation: the default identity, or that with a hint. It begins to watch
 * at once; await `ready` before the first use. What the watch drops or sees withdrawn, see {@link watchX509Contexts}.
 */
export function createX509Source(options: WatchedSourceOptions): X509Source {
  return createSvidSource(options, {
    watch: watchX509Contexts,
    svidsOf: ({ svids }) => svids,
    endOf: ({ notAfter }) => notAfter,
    same: (a, b) => sameOctets(concatOctets(a.chain), concatOctets(b.chain)),
  })
}
