import type { TrustSink, TrustSource } from '@wimse/trust'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import { watchJwtBundles, watchWitBundles, watchX509Bundles } from '../profiles/bundles.ts'
import type { Watcher, WatchFailure } from '../stream/watch-stream.ts'
import { afterFailure, type BundleStream, type BundleStreams, contentsOf, OPENING } from './bundle-streams.ts'

/** Options of {@link workloadApiTrustSource}. */
export interface WorkloadApiTrustSourceOptions {
  readonly api: WorkloadApi
  /** For the operator's log. */
  readonly onFailure?: (failure: WatchFailure) => void
  /** How often the store hears that the streams still stand; {@link DEFAULT_CONFIRM_EVERY_SECONDS} unless told. */
  readonly confirmEverySeconds?: number
}

export const DEFAULT_CONFIRM_EVERY_SECONDS = 15

/**
 * The bundles of the Workload API as a source of anchors: those of the own trust domain and of the federated ones, for X.509-SVIDs,
 * JWT-SVIDs and, where the server serves the profile, WIT-SVIDs, each kept to its kind (WLAPI-5.2.2-01, WLAPI-6.2.2-01,
 * WLAPI-7.2.2-01).
 *
 * Each message replaces what the one before said, so that a withdrawn federation ends with the message that lacks it (WLAPI-4.4-06);
 * `PermissionDenied` withdraws all bundles of the profile. A server that is away, or sends what is malformed, withdraws nothing: the
 * store keeps the last bundles until its own age limit.
 *
 * `start` returns when each profile has answered once, well or not.
 */
export function workloadApiTrustSource(options: WorkloadApiTrustSourceOptions): TrustSource {
  const { api, onFailure, confirmEverySeconds = DEFAULT_CONFIRM_EVERY_SECONDS } = options
  const { runtime } = api
  const closing = new AbortController()
  const { signal } = closing
  let streams: BundleStreams = OPENING
  const all = (): readonly BundleStream<unknown>[] => Object.values(streams)

  const start = (sink: TrustSink): Promise<void> =>
    new Promise((answered) => {
      const change = (changed: Partial<BundleStreams>): void => {
        if (signal.aborted) return
        streams = { ...streams, ...changed }
        // The first delivery waits for all profiles, so that nobody sees a trust domain with half of its anchors.
        if (all().some(({ state }) => state === 'opening')) return
        if (all().some(({ said }) => said !== undefined)) sink.replace(contentsOf(streams))
        for (const { state, error } of all()) if (state === 'broken' && error !== undefined) sink.lost(error)
        answered()
      }
      const watcher = <U>(onUpdate: (update: U) => void, fail: (failure: WatchFailure) => void): Watcher<U> => ({
        onUpdate,
        onFailure(failure) {
          onFailure?.(failure)
          fail(failure)
        },
      })
      const ended = Promise.allSettled([
        watchX509Bundles(
          api,
          watcher(
            ({ bundles }) => change({ x509: { state: 'open', said: bundles } }),
            (failure) => change({ x509: afterFailure(streams.x509, failure) }),
          ),
          { signal },
        ),
        watchJwtBundles(
          api,
          watcher(
            (bundles) => change({ jwt: { state: 'open', said: bundles } }),
            (failure) => change({ jwt: afterFailure(streams.jwt, failure) }),
          ),
          { signal },
        ),
        watchWitBundles(
          api,
          watcher(
            (bundles) => change({ wit: { state: 'open', said: bundles } }),
            (failure) => change({ wit: afterFailure(streams.wit, failure) }),
          ),
          { signal },
        ),
      ])
      ended.then(() => answered())
    })

  const confirmWhileOpen = async (sink: TrustSink): Promise<void> => {
    for (;;) {
      await runtime.delay(confirmEverySeconds * 1000, AbortSignal.any([signal, api.closed]))
      if (signal.aborted || api.closed.aborted) return
      if (all().every(({ state }) => state === 'open' || state === 'absent')) sink.confirm()
    }
  }
  return {
    origin: 'workload-api',
    async start(sink): Promise<void> {
      await start(sink)
      void confirmWhileOpen(sink)
    },
    close: () => closing.abort(),
  }
}
