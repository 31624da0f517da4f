import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { checkStatus, spireApiError, translateErrors } from './errors.ts'
import { SVID } from './generated/spire/api/server/svid/v1/svid_pb.ts'
import { formatSpiffeId } from './identifier.ts'

export interface WitSvidRequest {
  readonly entryId: string
  /** The workload's public key, SubjectPublicKeyInfo in DER. Its private key is nobody's business but the workload's. */
  readonly publicKey: Uint8Array
  /** JOSE name of the algorithm that the workload signs with, for example `ES256`. SPIRE 1.15 refuses Ed25519 keys. */
  readonly algorithm: string
}

export interface IssuedWitSvid {
  /** Compact JWS. */
  readonly token: string
  readonly spiffeId: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Has SPIRE issue a WIT-SVID for an entry whose parent the calling node is. The caller must have seen proof that its
 * client holds the private key: SPIRE sees the public key only.
 *
 * @param transport {@link openServerPort} with a node's SVID.
 * @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_MALFORMED
 */
export async function issueWitSvid(
  transport: Transport,
  { entryId, publicKey, algorithm }: WitSvidRequest,
  options?: CallOptions,
): Promise<IssuedWitSvid> {
  return translateErrors(async () => {
    const params = [{ entryId, publicKey, signingAlgorithm: algorithm }]
    const { results } = await createClient(SVID, transport).batchNewWITSVID({ params }, options)
    const [result] = results
    // SPIRE 1.15 leaves the status of a success out.
    if (result?.status) checkStatus(result.status)
    const svid = result?.svid
    if (!svid?.token) throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server lacks the WIT-SVID')
    return {
      token: svid.token,
      spiffeId: formatSpiffeId(svid.id),
      issuedAt: Number(svid.issuedAt),
      expiresAt: Number(svid.expiresAt),
    }
  })
}
