export { type Callers, type Customer, customerIn, type ShopVariables, transactionIn } from './callers.ts'
export { actorsOf, type Hop, note } from './hop-log.ts'
export { GRANT_FIELD, type Job, type JobQueue, jobSubject } from './job-queue.ts'
export { openService, type ServiceCall, type ShopService } from './open-service.ts'
export { openWorkload } from './open-workload.ts'
export { Refusal, required } from './refusal.ts'
export { amountIn, bodyOf, textIn } from './request-body.ts'
export { createApp, runProgram, runService, runWorker, type ShopApp, serveTls, type Write } from './run-service.ts'
export {
  type BrokerConfig,
  type PlatformConfig,
  parseServiceConfig,
  readServiceConfig,
  type ServiceConfig,
  textOf,
  textsIn,
} from './service-config.ts'
export { accessToken, itself, type TokenClient, transactionOf } from './token-client.ts'
