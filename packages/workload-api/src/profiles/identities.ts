import { isWimseError, parseTrustDomainIdentifier, parseWorkloadIdentifier, type TrustDomain, type WorkloadIdentifier } from '@wimse/core'
import { malformed } from '../connection/call-errors.ts'

/** The SPIFFE ID of an entry, which is mandatory (WLAPI-5.2.1-04, WLAPI-6.2.1-05, WLAPI-7.2.1-04). */
export function parseSpiffeId(text: string): WorkloadIdentifier {
  return inResponse('a SPIFFE ID', () => {
    if (!text.startsWith('spiffe://')) throw malformed('a SPIFFE ID has another scheme')
    return parseWorkloadIdentifier(text)
  })
}

/**
 * Decodes a map of bundles, whose keys are trust domains written as SPIFFE IDs (WLAPI-5.1-05, WLAPI-6.1-04, WLAPI-7.1-04).
 *
 * @throws WimseError `ERR_WORKLOAD_API_RESPONSE`
 */
export function decodeBundleMap<B, T>(
  bundles: Readonly<Record<string, B>>,
  decode: (bundle: B, trustDomain: TrustDomain) => T,
): ReadonlyMap<TrustDomain, T> {
  return new Map(
    Object.entries(bundles).map(([key, bundle]) => {
      const trustDomain = inResponse('the key of a bundle', () => {
        if (!key.startsWith('spiffe://')) throw malformed('the key of a bundle is no SPIFFE ID')
        return parseTrustDomainIdentifier(key)
      })
      return [trustDomain, decode(bundle, trustDomain)]
    }),
  )
}

/** Runs a step of decoding; what it refuses is a fault of the response. */
export function inResponse<T>(what: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (isWimseError(error, 'ERR_WORKLOAD_API_RESPONSE') || !isWimseError(error)) throw error
    throw malformed(`${what}: ${error.code}`, error)
  }
}
