import type { DescMethod } from '@bufbuild/protobuf'
import { WimseError } from '@wimse/core'

/** The metadata by which a client asks for a proved response; it is bound like any other. */
export const PROVE_RESPONSE_FIELD = 'wimse-ts-prove-response'

const AUTHORITY = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/

/**
 * Where a call goes, for its proof: `grpc://<authority>/<package.Service>/<Method>`. The authority is the name that client and server are
 * configured with, whatever host the connection leads to.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for an authority that is no host name in lower case, with or without a port
 */
export function grpcDestination(authority: string, { parent, name }: DescMethod): string {
  if (typeof authority !== 'string' || !AUTHORITY.test(authority)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'authority' })
  return `grpc://${authority}/${parent.typeName}/${name}`
}

/** Whether requests of a method are streams, whose messages have proofs of their own. */
export function hasRequestStream({ methodKind }: DescMethod): boolean {
  return methodKind === 'client_streaming' || methodKind === 'bidi_streaming'
}
