import type { MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import type {
  JWTBundlesResponseSchema,
  JWTSVIDRequest,
  JWTSVIDResponseSchema,
  ValidateJWTSVIDRequest,
  ValidateJWTSVIDResponseSchema,
  WITBundlesResponseSchema,
  WITSVIDResponseSchema,
  X509BundlesResponseSchema,
  X509SVIDResponseSchema,
} from '@wimse/workload-api/protocol'

/** A status instead of a message. */
export type Refusal = 'PermissionDenied' | 'Unimplemented' | 'Unavailable' | 'InvalidArgument'

/** What the server answers to a method now. */
export type Answer<M> = M | Refusal

/** The answers of every method. Those of streams are also pushed when they change. */
export interface WorkloadApiAnswers {
  readonly fetchX509SVID: Answer<MessageInitShape<typeof X509SVIDResponseSchema>>
  readonly fetchX509Bundles: Answer<MessageInitShape<typeof X509BundlesResponseSchema>>
  readonly fetchJWTBundles: Answer<MessageInitShape<typeof JWTBundlesResponseSchema>>
  readonly fetchWITBundles: Answer<MessageInitShape<typeof WITBundlesResponseSchema>>
  /** The server itself leaves out the identities that a request did not ask for. */
  readonly fetchWITSVID: Answer<MessageInitShape<typeof WITSVIDResponseSchema>>
  readonly fetchJWTSVID: (request: JWTSVIDRequest) => PromiseLike<Answer<MessageInitShape<typeof JWTSVIDResponseSchema>>>
  readonly validateJWTSVID: (request: ValidateJWTSVIDRequest) => PromiseLike<Answer<MessageInitShape<typeof ValidateJWTSVIDResponseSchema>>>
}

/** Name of a method of the Workload API. */
export type WorkloadApiMethod = keyof WorkloadApiAnswers

/** A server that knows no workload: `PermissionDenied` to everything (WLEP-6-05). */
export const NO_ANSWERS: WorkloadApiAnswers = {
  fetchX509SVID: 'PermissionDenied',
  fetchX509Bundles: 'PermissionDenied',
  fetchJWTBundles: 'PermissionDenied',
  fetchWITBundles: 'PermissionDenied',
  fetchWITSVID: 'PermissionDenied',
  fetchJWTSVID: async () => 'PermissionDenied',
  validateJWTSVID: async () => 'PermissionDenied',
}

/** The message, or the status as the error that the server sends. */
export function messageOf<M extends object>(answer: Answer<M>): M {
  if (typeof answer === 'string') throw new ConnectError('refused by the test', Code[answer])
  return answer
}
