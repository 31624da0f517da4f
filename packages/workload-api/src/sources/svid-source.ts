import { WimseError } from '@wimse/core'
import type { WorkloadApi } from '../connection/open-workload-api.ts'
import { type IdentitySelection, selectIdentity } from '../profiles/hints.ts'
import type { Watcher, WatchFailure, WatchOptions } from '../stream/watch-stream.ts'
import { type CredentialSource, createLiveValue, type LiveValueRules } from './live-value.ts'

/** Options of the sources that watch. */
export interface WatchedSourceOptions extends IdentitySelection {
  readonly api: WorkloadApi
  /** For the operator's log. Holds no secret. */
  readonly onFailure?: (failure: WatchFailure) => void
}

type Identity = { readonly hint?: string }

interface SvidProfile<T extends Identity, U> extends Omit<LiveValueRules<T>, 'runtime'> {
  watch(api: WorkloadApi, watcher: Watcher<U>, options: WatchOptions): Promise<void>
  svidsOf(update: U): readonly T[]
}

/** What the sources of X.509-SVIDs and WIT-SVIDs have in common. */
export function createSvidSource<T extends Identity, U>(options: WatchedSourceOptions, profile: SvidProfile<T, U>): CredentialSource<T> {
  const { api, onFailure } = options
  const { closed, set, withdraw, fail, ...source } = createLiveValue<T>({ ...profile, runtime: api.runtime })
  const watcher: Watcher<U> = {
    onUpdate(update) {
      const selected = selectIdentity(profile.svidsOf(update), options)
      // WLAPI-8-05
      if (selected === undefined) withdraw(new WimseError('ERR_CREDENTIAL_UNAVAILABLE', { detail: 'no SVID has the hint' }))
      else set(selected)
    },
    onFailure(failure) {
      if (failure.error.code === 'ERR_WORKLOAD_API_NO_IDENTITY') withdraw(failure.error)
      onFailure?.(failure)
    },
  }
  profile.watch(api, watcher, { signal: closed }).then(
    () => source.close(),
    (error: WimseError) => fail(error),
  )
  return source
}
