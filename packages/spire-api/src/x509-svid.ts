import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { type NodeSvid, readNodeSvid } from './agent.ts'
import { checkStatus, translateErrors } from './errors.ts'
import { SVID } from './generated/spire/api/server/svid/v1/svid_pb.ts'

export interface X509SvidRequest {
  readonly entryId: string
  /** PKCS #10, DER; SPIRE reads nothing but the public key from it. */
  readonly csr: Uint8Array
}

/** An X.509-SVID for an entry. */
export type IssuedX509Svid = NodeSvid

/**
 * Has SPIRE issue an X.509-SVID for an entry whose parent the calling node is.
 *
 * @param transport {@link openServerPort} with a node's SVID.
 * @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_MALFORMED
 */
export async function issueX509Svid(
  transport: Transport,
  { entryId, csr }: X509SvidRequest,
  options?: CallOptions,
): Promise<IssuedX509Svid> {
  return translateErrors(async () => {
    const [result] = (await createClient(SVID, transport).batchNewX509SVID({ params: [{ entryId, csr }] }, options)).results
    checkStatus(result?.status)
    return readNodeSvid(result?.svid)
  })
}
