import type { TrustSink, TrustSource } from '@wimse/trust'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import { watchJwtBundles, watchWitBundles, watchX509Bundles } from '../profiles/bundles.ts'
import type { Watcher, WatchFailure } from '../stream/watch-stream.ts'
import { afterFailure, type BundleStream, type BundleStreams, contentsOf, OPENING, saysOtherThan } from './bundle-streams.ts'

/** Options of {@link workloadApiTrustSource}. */
export interface WorkloadApiTrustSourceOptions {
  readonly api: WorkloadApi
  /** For the operator's log. */
  readonly onFailure?: (failure: WatchFailure) => void
}

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
  const { api, onFailure } = options
  const closing = new AbortController()
  const { signal } = closing
  let streams: BundleStreams = OPENING
  let delivered: BundleStreams = OPENING
  const all = (): readonly BundleStream<unknown>[] => Object.values(streams)

  const start = (sink: TrustSink): Promise<void> =>
    new Promise((answered) => {
      const change = (changed: Partial<BundleStreams>): void => {
        if (signal.aborted) return
        const before = streams
        streams = { ...streams, ...changed }
        // The first delivery waits for all profiles, so that nobody sees a trust domain with half of its anchors.
        if (all().some(({ state }) => state === 'opening')) return
        const news = saysOtherThan(streams, delivered)
        delivered = streams
        if (news) sink.replace(contentsOf(streams))
        // What the streams said was current for as long as they were open: its age counts from now, and from no later failure.
        else if (Object.values(before).every(({ state }) => state === 'open' || state === 'absent')) sink.confirm()
        const failed: readonly BundleStream<unknown>[] = Object.values(news ? streams : changed)
        for (const { state, error } of failed) if (state === 'broken' && error !== undefined) sink.lost(error)
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

  return {
    origin: 'workload-api',
    start,
    close: () => closing.abort(),
  }
}
