import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/suite/command-line.ts'

const everything = { scenarios: [], checks: [] }

describe('parseCommandLine', () => {
  it.each([
    [[], { name: 'run', drivers: [], selection: everything }],
    [['--driver', 'process'], { name: 'run', drivers: ['process'], selection: everything }],
    [['--driver=process', '--driver=docker'], { name: 'run', drivers: ['docker', 'process'], selection: everything }],
    [
      ['--scenario', 'rotation', '--check', 'rotation.stream'],
      { name: 'run', drivers: [], selection: { scenarios: ['rotation'], checks: ['rotation.stream'] } },
    ],
    [['--list'], { name: 'list', drivers: [], selection: everything }],
    [['--help', '--list'], { name: 'help' }],
    [['-h'], { name: 'help' }],
  ])('reads %j', (args, command) => {
    expect(parseCommandLine(args)).toEqual(command)
  })

  it.each([
    [['--drivers', 'process']],
    [['--driver']],
    [['--driver', 'podman']],
    [['--scenario', 'double-hop']],
    [['--check', '']],
    [['--list=yes']],
    [['process']],
  ])('refuses %j with a message', (args) => {
    expect(parseCommandLine(args)).toEqual({ name: 'wrong', message: expect.stringMatching(/./) })
  })
})
