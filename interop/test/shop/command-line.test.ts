import { describe, expect, it } from 'vitest'
import { parseShopCommandLine } from '../../src/shop/command-line.ts'

describe('parseShopCommandLine', () => {
  it.each([
    [[], 'order', 'embedded'],
    [['--agent'], 'agent', 'embedded'],
    [['--refund', '--driver', 'process'], 'refund', 'process'],
    [['--settlement'], 'settlement', 'embedded'],
    [['settlement', '--settlement'], 'settlement', 'embedded'],
    [['agent'], 'agent', 'embedded'],
  ])('takes %j', (args, errand, driver) => {
    const command = parseShopCommandLine(args)
    expect(command.name === 'walk' && [command.errand.name, command.driver]).toEqual([errand, driver])
  })

  it('knows --help', () => {
    expect(parseShopCommandLine(['--help', '--agent'])).toEqual({ name: 'help' })
  })

  it.each([[['--agent', '--refund']], [['--agent', 'settlement']], [['nonsense']], [['--driver', 'cloud']], [['--agents']], [['order']]])(
    'refuses %j',
    (args) => {
      expect(parseShopCommandLine(args).name).toBe('wrong')
    },
  )
})
