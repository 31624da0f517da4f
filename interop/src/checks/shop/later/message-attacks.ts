import { MESSAGE_PROOF_FIELD } from '@wimse/message-proof'
import { WIT_FIELD } from '@wimse/wit'
import type { Check, Evidence } from '../../../suite/check.ts'
import type { WorkloadName } from '../../../world/world.ts'
import { shownLines } from '../await-lines.ts'
import { startOrder } from '../order-steps.ts'
import { type ShopCheck, type ShopScene, shopChecks } from '../shop-check.ts'
import { type Deferred, deferOrder, expectEntries } from './deferred-steps.ts'
import { insideBroker } from './job-steps.ts'
import {
  expectBuried,
  expectWorked,
  fieldOf,
  GRANT_FIELD,
  jobText,
  type Message,
  type MessageChange,
  proveForged,
  proveJob,
  withField,
} from './message-steps.ts'

/** What somebody in the broker, or another sender, makes of a job. */
interface MessageAttack extends Pick<ShopCheck, 'name' | 'title' | 'requirements'> {
  change(message: Message, deferred: Deferred, scene: ShopScene): Promise<Message> | Message
  readonly code: string
}

const text = ({ payload }: Message): string => new TextDecoder().decode(payload)
const saying = (message: Message, payload: string): Message => ({ ...message, payload: new TextEncoder().encode(payload) })
/** The message of somebody else's order. */
const another = async (scene: ShopScene): Promise<Message> => proveJob(scene, await deferOrder(scene))
/** The same job with a proof of another workload, or of orders at another time. */
const proven =
  (change: MessageChange) =>
  (_message: Message, deferred: Deferred, scene: ShopScene): Promise<Message> =>
    proveJob(scene, deferred, change)
/** A WIT as somebody has it who saw the traffic of a workload. */
const seen = async (scene: ShopScene, name: WorkloadName): Promise<string> => (await scene.as(name).lendWit()).token

const changed: readonly MessageAttack[] = [
  {
    name: 'message.payload-changed',
    title: 'the amount is changed in the broker',
    requirements: ['WSVID-7.2-01'],
    change: (message) => saying(message, text(message).replace('"amount":45', '"amount":46')),
    code: 'ERR_MESSAGE_PROOF_PAYLOAD',
  },
  {
    name: 'message.payload-reformatted',
    title: 'a space is added to the payload in the broker: what is said stays the same',
    requirements: ['WSVID-7.2-01'],
    change: (message) => saying(message, `${text(message)} `),
    code: 'ERR_MESSAGE_PROOF_PAYLOAD',
  },
  {
    name: 'message.content-type-changed',
    title: 'the content type is changed in the broker',
    requirements: ['WSVID-7.2-01'],
    change: (message) => withField(message, 'content-type', 'text/plain'),
    code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE',
  },
  {
    name: 'message.content-type-removed',
    title: 'the content type is taken away in the broker',
    requirements: ['WSVID-7.2-01'],
    change: (message) => withField(message, 'content-type'),
    code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE',
  },
  {
    name: 'message.content-type-doubled',
    title: 'a second content type is added in the broker',
    requirements: ['WSVID-7.2-01'],
    change: (message) => withField(message, 'content-type', 'application/json', 'text/plain'),
    code: 'ERR_MESSAGE_PROOF_CONTENT_TYPE',
  },
  {
    name: 'message.moved',
    title: 'the job is moved to the subject of another action, which workers read as well',
    requirements: ['WSVID-7.2-01', 'CRP-5.7-01'],
    change: (message) => ({ ...message, subject: 'settlement.jobs.restock' }),
    code: 'ERR_MESSAGE_PROOF_DESTINATION',
  },
  {
    name: 'message.moved-aside',
    title: 'the job is moved to a subject of the same stream that no sender uses',
    requirements: ['WSVID-7.2-01'],
    change: (message) => ({ ...message, subject: 'settlement.jobs.aside' }),
    code: 'ERR_MESSAGE_PROOF_DESTINATION',
  },
  {
    name: 'message.grant-removed',
    title: 'the grant is taken away in the broker',
    requirements: ['WSVID-7.2-01'],
    change: (message) => withField(message, GRANT_FIELD),
    code: 'ERR_MESSAGE_PROOF_FIELD',
  },
  {
    name: 'message.grant-added',
    title: 'a grant is added to a message that was sent without one',
    requirements: ['WSVID-7.2-01'],
    async change(_message, deferred, scene) {
      const bare = await proveJob(scene, deferred, { fields: [['content-type', 'application/json']] })
      return withField(bare, GRANT_FIELD, deferred.grant)
    },
    code: 'ERR_MESSAGE_PROOF_FIELD_MISSING',
  },
  {
    name: 'message.grant-doubled',
    title: 'the grant is there twice, the second time under a name in other letters',
    requirements: ['WSVID-7.2-01'],
    change: (message) => ({ ...message, fields: [...message.fields, ['Deferred-Grant', fieldOf(message, GRANT_FIELD)]] }),
    code: 'ERR_MESSAGE_PROOF_FIELD_REPEATED',
  },
  {
    name: 'message.grant-exchanged',
    title: "another order's grant is put under this job's proof",
    requirements: ['WSVID-7.2-01', 'TEX-2.1-03'],
    change: async (message, _deferred, scene) => withField(message, GRANT_FIELD, fieldOf(await another(scene), GRANT_FIELD)),
    code: 'ERR_MESSAGE_PROOF_FIELD',
  },
  {
    name: 'message.grant-in-another',
    title: "this job's grant is put under another order's proof",
    requirements: ['WSVID-7.2-01', 'TEX-2.1-03'],
    change: async (_message, deferred, scene) => withField(await another(scene), GRANT_FIELD, deferred.grant),
    code: 'ERR_MESSAGE_PROOF_FIELD',
  },
  {
    name: 'message.context-added',
    title: 'a transaction token is added in the broker, that the sender has not bound',
    requirements: ['WSVID-7.2-01', 'TXN-12.2-01'],
    change: async (message, _deferred, scene) => withField(message, 'txn-token', await startOrder(scene)),
    code: 'ERR_MESSAGE_PROOF_TTH_MISSING',
  },
  {
    name: 'message.proof-removed',
    title: 'the proof is taken away: a WIT alone',
    requirements: ['CRED-9.2-01', 'WSVID-7.1-03', 'CRED-9.2-02'],
    change: (message) => withField(message, MESSAGE_PROOF_FIELD),
    code: 'ERR_MESSAGE_PROOF_COUNT',
  },
  {
    name: 'message.proof-doubled',
    title: 'the proof is there twice',
    requirements: ['WSVID-5-02'],
    change: (message) => withField(message, MESSAGE_PROOF_FIELD, ...Array<string>(2).fill(fieldOf(message, MESSAGE_PROOF_FIELD))),
    code: 'ERR_MESSAGE_PROOF_COUNT',
  },
  {
    name: 'message.proof-exchanged',
    title: "another order's proof over this job",
    requirements: ['WSVID-7.2-01'],
    change: async (message, _deferred, scene) =>
      withField(message, MESSAGE_PROOF_FIELD, fieldOf(await another(scene), MESSAGE_PROOF_FIELD)),
    code: 'ERR_MESSAGE_PROOF_PAYLOAD',
  },
  {
    name: 'message.wit-removed',
    title: 'the WIT is taken away: a proof alone',
    requirements: ['CRED-5.1-12', 'WSVID-5-02'],
    change: (message) => withField(message, WIT_FIELD),
    code: 'ERR_WIT_MISSING',
  },
  {
    name: 'message.wit-doubled',
    title: 'the WIT is there twice',
    requirements: ['CRED-5.1.1-02'],
    change: (message) => withField(message, WIT_FIELD, ...Array<string>(2).fill(fieldOf(message, WIT_FIELD))),
    code: 'ERR_WIT_HEADER_COUNT',
  },
  {
    name: 'message.wit-exchanged',
    title: "the WIT is exchanged for the storefront's, which is a sender as well",
    requirements: ['CRED-5.1-12', 'WSVID-4-08'],
    change: async (message, _deferred, scene) => withField(message, WIT_FIELD, await seen(scene, 'as-storefront')),
    code: 'ERR_MESSAGE_PROOF_SIGNATURE',
  },
]

const sent: readonly MessageAttack[] = [
  {
    name: 'message.stolen-by-rogue',
    title: 'rogue sends the job with a proof of its own, and the grant that it saw',
    requirements: ['TEX-2.1-03', 'CRED-7-01'],
    change: proven({ by: 'rogue' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'message.stolen-by-a-service',
    title: 'payments, which sends no jobs, sends the job with a proof of its own',
    requirements: ['TEX-2.1-03', 'CRED-7-01'],
    change: proven({ by: 'as-payments' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'message.stolen-by-the-worker',
    title: 'the worker itself sends the job',
    requirements: ['CRED-7-01'],
    change: proven({ by: 'as-settlement' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'message.stolen-by-a-sender',
    title: 'the storefront, which may send jobs, sends one with the grant of orders',
    requirements: ['TEX-2.1-03', 'CRED-7-01'],
    change: proven({ by: 'as-storefront' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'message.another-trust-domain',
    title: 'a workload of the bank, whose WITs the shop can verify, sends the job',
    requirements: ['CRED-7-02', 'CRED-9.1-01'],
    change: proven({ by: 'bank-clerk' }),
    code: 'ERR_POLICY_DENIED',
  },
  {
    name: 'message.borrowed-wit',
    title: 'rogue proves the job with its own key, under the WIT of orders',
    requirements: ['CRED-5.1-12', 'WSVID-4-08'],
    change: async (_message, deferred, scene) => proveJob(scene, deferred, { by: 'rogue', borrowedWit: await seen(scene, 'as-orders') }),
    code: 'ERR_MESSAGE_PROOF_SIGNATURE',
  },
  {
    name: 'message.wit-expired',
    title: 'somebody who has the issuing key makes a WIT of orders that had expired when the broker took the job',
    requirements: ['WSVID-3.4-03', 'CRED-9.2.1-01'],
    change: async (_message, deferred, scene) => proveForged(scene, deferred, { domain: 'shop.example', secondsAgo: 600 }),
    code: 'ERR_WIT_EXPIRED',
  },
  {
    name: 'message.wit-of-another-issuer',
    title: 'a WIT of orders that the issuer of the bank has signed',
    requirements: ['CRED-3-01', 'CRED-3-04', 'CRED-5.1.4-04'],
    change: async (_message, deferred, scene) => proveForged(scene, deferred, { domain: 'bank.example' }),
    code: 'ERR_WIT_KEY_UNKNOWN',
  },
  {
    name: 'message.put-late',
    title: 'the job is put into the broker two minutes after its proof has expired: the broker says when it took it',
    requirements: ['CRED-9.2.2-01', 'CRED-9.2.2-02', 'WSVID-7.2-02'],
    change: proven({ clockOffsetSeconds: -180 }),
    code: 'ERR_MESSAGE_PROOF_EXPIRED',
  },
  {
    name: 'message.put-early',
    title: 'the proof is for minutes that are yet to come',
    requirements: ['CRED-9.2.2-02', 'WSVID-7.2-02'],
    change: proven({ clockOffsetSeconds: 180 }),
    code: 'ERR_MESSAGE_PROOF_NOT_YET_VALID',
  },
  {
    name: 'message.another-job',
    title: 'orders, which has the grant, sends a job that is not the one that it was given for',
    requirements: ['TXN-13.15-04'],
    change: (_message, deferred, scene) => proveJob(scene, deferred, { job: { parameters: { ...deferred.parameters, amount: 450 } } }),
    code: 'ERR_EXCHANGE_GRANT_PARAMETERS',
  },
  {
    name: 'message.another-action',
    title: 'orders sends a job of one action where those of another lie',
    requirements: ['WSVID-7.2-01'],
    change: (_message, deferred, scene) => proveJob(scene, deferred, { payload: jobText(deferred, { action: 'restock' }) }),
    code: 'ERR_MESSAGE_MALFORMED',
  },
]

async function attackMessage(scene: ShopScene, { change, code }: MessageAttack): Promise<Evidence> {
  const deferred = await deferOrder(scene)
  const genuine = await proveJob(scene, deferred)
  return insideBroker(scene, async (insider) => {
    const attack = await expectBuried(scene, insider, await change(genuine, deferred, scene), { code })
    const without = await expectEntries(scene, deferred, 0)
    // An attack that failed leaves the work to be done, by the job as it was sent.
    const accepted = await expectWorked(scene, insider, genuine)
    return { attack, without, accepted: shownLines([accepted]), entry: await expectEntries(scene, deferred, 1) }
  })
}

/** What lies in a broker is the sender's own, whole, and where it put it. */
export const messageAttacks: readonly Check[] = shopChecks(
  'async-job',
  [...changed, ...sent].map(
    (attack): ShopCheck => ({
      name: attack.name,
      title: attack.title,
      requirements: attack.requirements,
      run: (scene) => attackMessage(scene, attack),
    }),
  ),
)
