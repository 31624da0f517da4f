import { isWimseError } from '@wimse/core'

/** One thing that is wrong with a configuration: where, and what was expected. Values are never quoted. */
export interface ConfigFault {
  /** Such as `witEndpoint.port`; empty for the whole document. */
  readonly path: string
  readonly expected: string
}

/** Reads one value; `undefined` when it is unusable, after telling why. */
export type Decoder<T> = (value: unknown, path: string, faults: ConfigFault[]) => T | undefined

type Shape = Readonly<Record<string, Decoder<unknown>>>
type Decoded<S extends Shape> = { readonly [K in keyof S]: S[K] extends Decoder<infer T> ? T : never }

const fault = (faults: ConfigFault[], path: string, expected: string): undefined => {
  faults.push({ path, expected })
  return undefined
}

export const text: Decoder<string> = (value, path, faults) =>
  typeof value === 'string' && value !== '' ? value : fault(faults, path, 'a text')

export const integer =
  (least: number, most: number): Decoder<number> =>
  (value, path, faults) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : fault(faults, path, `a whole number from ${least} to ${most}`)

/** A text that `parse` accepts; what it refuses is a fault. */
export const parsed =
  <T>(parse: (value: string) => T, expected: string): Decoder<T> =>
  (value, path, faults) => {
    if (typeof value !== 'string') return fault(faults, path, expected)
    try {
      return parse(value)
    } catch (error) {
      if (isWimseError(error)) return fault(faults, path, `${expected} (${error.code})`)
      throw error
    }
  }

/** A value that may be missing: then the default stands for it. */
export const optional =
  <T, D>(decoder: Decoder<T>, missing: D): Decoder<T | D> =>
  (value, path, faults) =>
    value === undefined ? missing : decoder(value, path, faults)

/** An object with these members and no others: a misspelled option is a fault, not a default. */
export const object =
  <S extends Shape>(shape: S): Decoder<Decoded<S>> =>
  (value, path, faults) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(faults, path, 'an object')
    const members = value as Readonly<Record<string, unknown>>
    const before = faults.length
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
    const known = Object.entries(shape).map(([name, decoder]) => {
      const member = Object.hasOwn(members, name) ? members[name] : undefined
      return [name, decoder(member, at(name), faults)] as const
    })
    for (const name of Object.keys(members)) if (!Object.hasOwn(shape, name)) fault(faults, at(name), 'nothing: no such option')
    return faults.length === before ? (Object.fromEntries(known) as Decoded<S>) : undefined
  }
