/** What the processes of the benchmark are given to start with. */
export interface StreamSetup {
  readonly url: string
  readonly role: 'producer' | 'consumer'
  /** The sender's WIT and its private key. */
  readonly token: string
  readonly privateJwk: Readonly<Record<string, unknown>>
  /** Of the trust domain of the sender, JSON. */
  readonly bundle: string
}

/** One run: this many messages, with proofs or without. Each process answers when it is through. */
export interface StreamRun {
  readonly count: number
  readonly proofs: boolean
}

export const STREAM = 'BENCH'
export const CONSUMER = 'worker'
export const SUBJECT = 'bench.jobs'
export const NAMESPACE = 'shop.example'
export const BOUND_FIELDS = ['priority']
