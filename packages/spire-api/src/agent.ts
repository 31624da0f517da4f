import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { spireApiError, translateErrors } from './errors.ts'
import { Agent } from './generated/spire/api/server/agent/v1/agent_pb.ts'
import type { X509SVID } from './generated/spire/api/types/x509svid_pb.ts'
import { formatSpiffeId } from './identifier.ts'

/** The X.509-SVID that SPIRE gives to a node. */
export interface NodeSvid {
  readonly spiffeId: string
  /** DER, leaf first. */
  readonly certificateChain: readonly Uint8Array[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/** What {@link attestByJoinToken} gives: a node that is not `reattestable` must renew before its SVID ends. */
export interface AttestedNode extends NodeSvid {
  readonly reattestable: boolean
}

/**
 * Attests this process as a node by a join token, which the server accepts once.
 *
 * @param transport an anonymous {@link openServerPort}.
 * @param csr PKCS #10, DER; SPIRE reads nothing but the public key from it.
 * @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_MALFORMED
 */
export async function attestByJoinToken(
  transport: Transport,
  { joinToken, csr }: { readonly joinToken: string; readonly csr: Uint8Array },
  options?: CallOptions,
): Promise<AttestedNode> {
  const payload = new TextEncoder().encode(joinToken)
  async function* steps() {
    yield { step: { case: 'params' as const, value: { data: { type: 'join_token', payload }, params: { csr } } } }
  }
  return translateErrors(async () => {
    for await (const { step } of createClient(Agent, transport).attestAgent(steps(), options)) {
      if (step.case === 'result') return { ...readNodeSvid(step.value.svid), reattestable: step.value.reattestable }
      break
    }
    throw spireApiError('ERR_SPIRE_API_MALFORMED', 'node attestation ended without a result')
  })
}

/**
 * Asks for the node's next X.509-SVID; the server accepts the present one until the next one is first used.
 *
 * @param transport {@link openServerPort} with the node's present SVID.
 * @throws ERR_SPIRE_API_REFUSED, ERR_SPIRE_API_UNAVAILABLE, ERR_SPIRE_API_MALFORMED
 */
export async function renewNode(transport: Transport, { csr }: { readonly csr: Uint8Array }, options?: CallOptions): Promise<NodeSvid> {
  return translateErrors(async () => readNodeSvid((await createClient(Agent, transport).renewAgent({ params: { csr } }, options)).svid))
}

export function readNodeSvid(svid: X509SVID | undefined): NodeSvid {
  if (svid === undefined || svid.certChain.length === 0) {
    throw spireApiError('ERR_SPIRE_API_MALFORMED', 'an answer of the SPIRE server lacks the X.509-SVID')
  }
  return {
    spiffeId: formatSpiffeId(svid.id),
    certificateChain: svid.certChain,
    expiresAt: Number(svid.expiresAt),
  }
}
