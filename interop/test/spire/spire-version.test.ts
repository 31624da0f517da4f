import { describe, expect, it } from 'vitest'
import { isUsableVersion, parseBinaryVersion, parsePinnedVersion, readPinnedVersion, witModeOf } from '../../src/spire/spire-version.ts'

describe('parseBinaryVersion', () => {
  it.each([
    ['1.15.3\n', '1.15.3'],
    ['\n1.15.3-dev-unk\n', '1.15.3'],
    ['v1.16.0', '1.16.0'],
    ['usage: spire-server', undefined],
    ['', undefined],
  ])('%j → %s', (output, version) => {
    expect(parseBinaryVersion(output)).toBe(version)
  })
})

describe('parsePinnedVersion', () => {
  it.each([
    'module x\n\nrequire github.com/spiffe/spire v1.15.3\n',
    'module x\n\nrequire (\n\tgithub.com/spiffe/spire-api-sdk v1.2.5\n\tgithub.com/spiffe/spire v1.15.3\n)\n',
    'require (\n\tgithub.com/spiffe/spire v1.15.3 // indirect\n)\n',
  ])('finds the requirement', (goMod) => {
    expect(parsePinnedVersion(goMod)).toBe('1.15.3')
  })

  it('refuses a module without SPIRE', () => {
    expect(() => parsePinnedVersion('require github.com/spiffe/go-spiffe/v2 v2.9.0')).toThrow()
  })

  it('the pinned version is one that the suite can use', async () => {
    expect(isUsableVersion(await readPinnedVersion())).toBe(true)
  })
})

describe('witModeOf', () => {
  it.each([
    ['1.15.3', 'bridged'],
    ['1.16.0', 'native'],
    ['1.20.1', 'native'],
    ['2.0.0', 'native'],
  ])('%s is %s', (version, mode) => {
    expect(witModeOf(version)).toBe(mode)
  })
})

describe('isUsableVersion', () => {
  it.each([
    ['1.14.9', false],
    ['0.99.0', false],
    ['1.15.0', true],
    ['2.0.0', true],
  ])('%s: %s', (version, usable) => {
    expect(isUsableVersion(version)).toBe(usable)
  })
})
