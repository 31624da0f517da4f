export {
  createTestAuthority,
  TEST_TOKEN_LIFETIME_SECONDS,
  TEST_X509_LIFETIME_SECONDS,
  type TestAuthority,
  type TestAuthorityOptions,
  type TestIssuingKeys,
  type TestWit,
  type TestWitOptions,
  type TestX509SvidOptions,
} from './authority/create-test-authority.ts'
export { trustAuthorities } from './authority/trust-authorities.ts'
export {
  type BundleEndpointServer,
  type BundleEndpointServerOptions,
  startBundleEndpoint,
} from './bundle-endpoint/start-bundle-endpoint.ts'
export { createTestRuntime, TEST_EPOCH_MS, type TestRuntime, type TestRuntimeOptions } from './runtime/create-test-runtime.ts'
export { type Answer, NO_ANSWERS, type Refusal, type WorkloadApiAnswers, type WorkloadApiMethod } from './workload-api/answers.ts'
export { type FakeWorkloadApi, type FakeWorkloadApiOptions, startFakeWorkloadApi } from './workload-api/fake-workload-api.ts'
export type { FakeIdentity } from './workload-api/issued-identity.ts'
export { startWorkloadApiServer, type WorkloadApiListen, type WorkloadApiServer } from './workload-api/workload-api-server.ts'
