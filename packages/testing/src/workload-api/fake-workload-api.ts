import type { TestAuthority } from '../authority/create-test-authority.ts'
import { answersOfAuthority } from './answers-of-authority.ts'
import { type FakeIdentity, type IssuedIdentity, issueIdentity } from './issued-identity.ts'
import { startWorkloadApiServer, type WorkloadApiListen, type WorkloadApiServer } from './workload-api-server.ts'

/** Options of {@link startFakeWorkloadApi}. */
export interface FakeWorkloadApiOptions {
  readonly authority: TestAuthority
  /** What the workload is: everyone who connects. None: `PermissionDenied`, as for a workload that isn't registered. */
  readonly identities: readonly FakeIdentity[]
  readonly federated?: readonly TestAuthority[]
  /** `false`: the WIT profile is not served, as by most servers (WLAPI-7-01). */
  readonly wit?: boolean
  readonly listen?: WorkloadApiListen
  /** Issues anew, by the authority's clock, whenever this part of the shortest life is gone. Without it, `rotate` does. */
  readonly rotateAfter?: number
}

/** A Workload API over an authority in memory: the real protocol on a real socket. */
export interface FakeWorkloadApi {
  /** As `SPIFFE_ENDPOINT_SOCKET` has it. */
  readonly address: string
  /** For what no healthy server does: answers of any kind, lost connections. The next change here replaces such answers. */
  readonly server: WorkloadApiServer
  /** Issues every credential anew and pushes it. */
  rotate(): Promise<void>
  /** Other identities from now on. */
  setIdentities(identities: readonly FakeIdentity[]): Promise<void>
  /** Other federated trust domains from now on. */
  setFederated(authorities: readonly TestAuthority[]): void
  close(): Promise<void>
}

/** Starts a {@link FakeWorkloadApi}. Changes of the authorities' bundles are pushed by themselves. */
export async function startFakeWorkloadApi(options: FakeWorkloadApiOptions): Promise<FakeWorkloadApi> {
  const { authority, wit = true, rotateAfter } = options
  const closing = new AbortController()
  let federated = options.federated ?? []
  let identities = options.identities
  let issued: readonly IssuedIdentity[] = []
  let subscriptions: readonly (() => void)[] = []
  const server = await startWorkloadApiServer(options.listen)

  const publish = (): void => {
    const answers = answersOfAuthority(authority, federated, issued)
    server.answer(wit ? answers : { ...answers, fetchWITSVID: 'Unimplemented', fetchWITBundles: 'Unimplemented' })
  }
  const rotate = async (): Promise<void> => {
    const next = await Promise.all(identities.map((identity) => issueIdentity(authority, identity)))
    if (closing.signal.aborted) return
    issued = next
    publish()
  }
  const setFederated = (authorities: readonly TestAuthority[]): void => {
    for (const end of subscriptions) end()
    federated = [...authorities]
    subscriptions = [authority, ...federated].map((each) => each.onChange(publish))
    publish()
  }
  const keepRotating = async (part: number): Promise<void> => {
    const { runtime } = authority
    while (!closing.signal.aborted) {
      const ends = issued.flatMap(({ x509, wit: { credential } }) => [x509.notAfter, credential.expiresAt])
      const lifeMs = Math.max(0, Math.min(...ends) * 1000 - runtime.now())
      await runtime.delay(Number.isFinite(lifeMs) ? Math.max(50, lifeMs * part) : 1000, closing.signal)
      if (!closing.signal.aborted) await rotate()
    }
  }

  await rotate()
  setFederated(federated)
  if (rotateAfter !== undefined) void keepRotating(rotateAfter)
  return {
    address: server.address,
    server,
    rotate,
    setFederated,
    async setIdentities(next): Promise<void> {
      identities = [...next]
      await rotate()
    },
    async close(): Promise<void> {
      closing.abort()
      for (const end of subscriptions) end()
      await server.close()
    },
  }
}
