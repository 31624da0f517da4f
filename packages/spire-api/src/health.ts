import { type CallOptions, createClient, type Transport } from '@connectrpc/connect'
import { translateErrors } from './errors.ts'
import { Health, HealthCheckResponse_ServingStatus } from './generated/grpc/health/v1/health_pb.ts'

/**
 * Whether a SPIRE server (by its administration socket) or agent (by its Workload API socket) says that it serves.
 *
 * @throws ERR_SPIRE_API_UNAVAILABLE when nobody answers, ERR_SPIRE_API_REFUSED
 */
export async function isServing(transport: Transport, options?: CallOptions): Promise<boolean> {
  return translateErrors(async () => {
    const { status } = await createClient(Health, transport).check({}, options)
    return status === HealthCheckResponse_ServingStatus.SERVING
  })
}
