import type { Check } from '../../../suite/check.ts'
import { shopChecks } from '../shop-check.ts'
import { type GrantAttack, grantAttackCheck } from './grant-attack.ts'

const widened = (parameters: Readonly<Record<string, string | number>>): GrantAttack['change'] => {
  return (deferred) => ({ parameters: { ...deferred.parameters, ...parameters } })
}

const wide: readonly GrantAttack[] = [
  {
    name: 'parameters.amount-raised',
    title: 'the worker asks for a greater amount',
    requirements: ['TXN-13.15-04'],
    change: widened({ amount: 46 }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.amount-lowered',
    title: 'the worker asks for a smaller amount: the grant is for one amount, not up to one',
    requirements: ['TXN-13.15-04'],
    change: widened({ amount: 44 }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.amount-as-text',
    title: 'the worker asks for the amount as a text',
    requirements: ['TXN-13.15-04'],
    change: widened({ amount: '45' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.another-order',
    title: 'the worker names another order',
    requirements: ['TXN-13.15-04'],
    change: widened({ order: 'piano-1' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.member-added',
    title: 'the worker adds a parameter',
    requirements: ['TXN-13.15-04'],
    change: widened({ to: 'account-of-rogue' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.member-left-out',
    title: 'the worker leaves the amount out',
    requirements: ['TXN-13.15-04'],
    change: ({ parameters }) => ({ parameters: { order: parameters['order'] ?? '' } }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'parameters.use-added',
    title: 'the worker names a use, as if there were several',
    requirements: ['TXN-13.15-04'],
    change: () => ({ use: 'second' }),
    refused: { code: 'ERR_EXCHANGE_PARAMETER_MALFORMED' },
  },
  {
    name: 'parameters.scope-widened',
    title: 'the worker asks for the scope of the transaction in which the work was put off',
    requirements: ['TXN-11.3-12', 'TXN-13.6-01'],
    change: () => ({ scope: ['payments:settle', 'orders:place'] }),
    refused: { code: 'ERR_EXCHANGE_SCOPE' },
  },
  {
    name: 'limits.exceeded',
    title: 'a run asks for more than the limit that the user has consented to',
    requirements: ['TXN-13.15-04'],
    standing: true,
    change: widened({ amount: 51 }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'limits.below-zero',
    title: 'a run asks for an amount below zero',
    requirements: ['TXN-13.15-04'],
    standing: true,
    change: widened({ amount: -1 }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'limits.another-item',
    title: 'a run is about another item',
    requirements: ['TXN-13.15-04'],
    standing: true,
    change: widened({ item: 'piano' }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'limits.left-out',
    title: 'a run leaves out what the limit is about',
    requirements: ['TXN-13.15-04'],
    standing: true,
    change: ({ parameters }) => ({ parameters: { item: parameters['item'] ?? '' } }),
    refused: { code: 'ERR_EXCHANGE_GRANT_PARAMETERS' },
  },
  {
    name: 'limits.without-use',
    title: 'a run does not say which use it takes, so that none would be counted',
    requirements: ['TXN-13.15-04'],
    standing: true,
    change: () => ({ use: null }),
    refused: { code: 'ERR_EXCHANGE_PARAMETER_MISSING' },
  },
]

const isStanding = ({ standing }: GrantAttack): boolean => standing === true

/** A grant is good for what it was given for, or for what is within its limits. */
export const parameterAttacks: readonly Check[] = [
  ...shopChecks('async-job', wide.filter((attack) => !isStanding(attack)).map(grantAttackCheck)),
  ...shopChecks('scheduled', wide.filter(isStanding).map(grantAttackCheck)),
]
