import type { Check } from '../suite/check.ts'
import { anotherAudienceChecks } from './attacks/another-audience.ts'
import { anotherKeyChecks } from './attacks/another-key.ts'
import { changedOnTheWayChecks } from './attacks/changed-on-the-way.ts'
import { doubledHeaderChecks } from './attacks/doubled-header.ts'
import { expiredChecks } from './attacks/expired.ts'
import { forgedIdentityChecks } from './attacks/forged-identity.ts'
import { notAllowedChecks } from './attacks/not-allowed.ts'
import { replayedChecks } from './attacks/replayed.ts'
import { responseChangedChecks } from './attacks/response-changed.ts'
import { twoSignaturesChecks } from './attacks/two-signatures.ts'
import { withoutProofChecks } from './attacks/without-proof.ts'
import { wrongPeerChecks } from './attacks/wrong-peer.ts'
import { noSharedRootChecks } from './federation/no-shared-root.ts'
import { withdrawnChecks } from './federation/withdrawn.ts'
import { strangerChecks } from './identity/stranger.ts'
import { acceptedChecks } from './positive/accepted.ts'
import { transactionTokenChecks } from './positive/transaction-token.ts'
import { authorityRotationChecks } from './rotation/authority-rotated.ts'
import { issuerStoppedChecks } from './rotation/issuer-stopped.ts'
import { naturalRotationChecks } from './rotation/natural.ts'
import { streamChecks } from './rotation/stream.ts'
import { noSecretsChecks } from './secrets/no-secrets.ts'
import { agentAttacks } from './shop/ai-agent/attacks.ts'
import { errandChecks } from './shop/ai-agent/errand.ts'
import { chainChecks } from './shop/chain-of-custody/chain.ts'
import { custodyChecks } from './shop/chain-of-custody/order.ts'
import { custodyAtPaymentsChecks } from './shop/chain-of-custody/payments.ts'
import { delegationAttacks } from './shop/delegation/attacks.ts'
import { refundChecks } from './shop/delegation/refund.ts'
import { bankTokenChecks } from './shop/identity-chaining/access-token.ts'
import { grantChecks } from './shop/identity-chaining/grant.ts'
import { ledgerChecks } from './shop/identity-chaining/ledger.ts'
import { asyncJobChecks } from './shop/later/async-job.ts'
import { asyncTakeoverChecks } from './shop/later/async-takeover.ts'
import { batchChecks } from './shop/later/batch.ts'
import { brokerAttacks } from './shop/later/broker-attacks.ts'
import { consentAttacks } from './shop/later/consent-attacks.ts'
import { grantAttacks } from './shop/later/grant-attacks.ts'
import { messageAttacks } from './shop/later/message-attacks.ts'
import { parameterAttacks } from './shop/later/parameter-attacks.ts'
import { poisonChecks } from './shop/later/poison.ts'
import { requestAttacks } from './shop/later/request-attacks.ts'
import { revokedChecks } from './shop/later/revoked.ts'
import { scheduledChecks } from './shop/later/scheduled.ts'
import { settlementAttacks } from './shop/later/settlement-attacks.ts'
import { useAttacks } from './shop/later/use-attacks.ts'
import { fleetChecks } from './shop/no-registration/fleet.ts'
import { workloadOfFleetChecks } from './shop/no-registration/workload.ts'
import { orderChecks } from './shop/on-behalf-of-user/order.ts'
import { paymentsChecks } from './shop/on-behalf-of-user/payments.ts'
import { replacementChecks } from './shop/on-behalf-of-user/replacement.ts'
import { transactionTokenInShopChecks } from './shop/on-behalf-of-user/transaction-token.ts'
import { userTokenChecks } from './shop/on-behalf-of-user/user-token.ts'

/** Every check. Those of one phase begin in this order, so the stream and what waits for it come first. */
export const allChecks: readonly Check[] = [
  ...streamChecks,
  ...naturalRotationChecks,
  ...acceptedChecks,
  ...transactionTokenChecks,
  ...changedOnTheWayChecks,
  ...anotherAudienceChecks,
  ...replayedChecks,
  ...expiredChecks,
  ...anotherKeyChecks,
  ...withoutProofChecks,
  ...doubledHeaderChecks,
  ...twoSignaturesChecks,
  ...responseChangedChecks,
  ...notAllowedChecks,
  ...forgedIdentityChecks,
  ...wrongPeerChecks,
  ...strangerChecks,
  ...noSharedRootChecks,
  ...authorityRotationChecks,
  ...withdrawnChecks,
  ...issuerStoppedChecks,
  ...orderChecks,
  ...userTokenChecks,
  ...transactionTokenInShopChecks,
  ...replacementChecks,
  ...paymentsChecks,
  ...custodyChecks,
  ...custodyAtPaymentsChecks,
  ...chainChecks,
  ...ledgerChecks,
  ...grantChecks,
  ...bankTokenChecks,
  ...refundChecks,
  ...delegationAttacks,
  ...errandChecks,
  ...agentAttacks,
  ...workloadOfFleetChecks,
  ...fleetChecks,
  ...asyncJobChecks,
  ...messageAttacks,
  ...grantAttacks,
  ...parameterAttacks,
  ...requestAttacks,
  ...settlementAttacks,
  ...useAttacks,
  ...revokedChecks,
  ...poisonChecks,
  ...consentAttacks,
  ...brokerAttacks,
  ...asyncTakeoverChecks,
  ...batchChecks,
  ...scheduledChecks,
  ...noSecretsChecks,
]
