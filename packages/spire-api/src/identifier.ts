import type { MessageInitShape } from '@bufbuild/protobuf'
import { spireApiError } from './errors.ts'
import type { SPIFFEID, SPIFFEIDSchema } from './generated/spire/api/types/spiffeid_pb.ts'

// SPIRE validates what it is given; this only splits, so that a foreign scheme is refused here rather than misread there.
const SPIFFE_ID = /^spiffe:\/\/([^/?#]+)(\/[^?#]*)?$/

/** `spiffe://shop.example/orders` → the API's two fields. @throws ERR_SPIRE_API_ARGUMENT */
export function parseSpiffeId(spiffeId: string): MessageInitShape<typeof SPIFFEIDSchema> {
  const [, trustDomain, path = ''] = SPIFFE_ID.exec(spiffeId) ?? []
  if (trustDomain === undefined) throw spireApiError('ERR_SPIRE_API_ARGUMENT', 'not a SPIFFE ID')
  return { trustDomain, path }
}

/** The API's two fields → `spiffe://shop.example/orders`. @throws ERR_SPIRE_API_MALFORMED when the message lacks them. */
export function formatSpiffeId(id: Pick<SPIFFEID, 'trustDomain' | 'path'> | undefined): string {
  if (!id?.trustDomain) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server lacks a SPIFFE ID')
  return `spiffe://${id.trustDomain}${id.path}`
}
