import { isWimseError, WimseError } from '@wimse/core'

/** One thing that is wrong with a configuration: where, and what was expected. Values are never quoted. */
export interface ConfigFault {
  /** Such as `listen.port` or `accessTokens.targets[0].allow`; empty for the whole document. */
  readonly path: string
  readonly expected: string
}

/** Reads one value; `undefined` when it is unusable, after telling why. */
export type Decoder<T> = (value: unknown, path: string, faults: ConfigFault[]) => T | undefined

type Shape = Readonly<Record<string, Decoder<unknown>>>
type Members<S extends Shape> = { readonly [K in keyof S]: S[K] extends Decoder<infer T> ? T : never }

const fault = (faults: ConfigFault[], path: string, expected: string): undefined => {
  faults.push({ path, expected })
  return undefined
}

export const text: Decoder<string> = (value, path, faults) =>
  typeof value === 'string' && value !== '' ? value : fault(faults, path, 'a text')

export const flag: Decoder<boolean> = (value, path, faults) => (typeof value === 'boolean' ? value : fault(faults, path, 'true or false'))

export const integer =
  (least: number, most: number): Decoder<number> =>
  (value, path, faults) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : fault(faults, path, `a whole number from ${least} to ${most}`)

export const oneOf =
  <const T extends string>(...values: readonly T[]): Decoder<T> =>
  (value, path, faults) =>
    values.find((known) => known === value) ?? fault(faults, path, `one of ${values.join(', ')}`)

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

/** A list of values; how many there are at least is part of its meaning. */
export const list =
  <T>(decoder: Decoder<T>, least = 0): Decoder<readonly T[]> =>
  (value, path, faults) => {
    if (!Array.isArray(value)) return fault(faults, path, 'a list')
    if (value.length < least) return fault(faults, path, `a list of ${least} or more`)
    const before = faults.length
    const items = value.map((item: unknown, index) => decoder(item, `${path}[${index}]`, faults))
    return faults.length === before ? (items as readonly T[]) : undefined
  }

/** An object whose names are the operator's own. */
export const record =
  <T>(decoder: Decoder<T>): Decoder<Readonly<Record<string, T>>> =>
  (value, path, faults) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(faults, path, 'an object')
    const before = faults.length
    const members = Object.entries(value).map(([name, member]) => [name, decoder(member, `${path}.${name}`, faults)] as const)
    return faults.length === before ? (Object.fromEntries(members) as Readonly<Record<string, T>>) : undefined
  }

/** An object with these members and no others: a misspelled option is a fault, not a default. */
export const object =
  <S extends Shape>(shape: S): Decoder<Members<S>> =>
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
    return faults.length === before ? (Object.fromEntries(known) as Members<S>) : undefined
  }

/** What `check` throws about a value that was read is a fault of the whole of it. */
export const checked =
  <T>(decoder: Decoder<T>, check: (value: T) => unknown, expected: string): Decoder<T> =>
  (value, path, faults) => {
    const before = faults.length
    const decoded = decoder(value, path, faults)
    if (decoded === undefined || faults.length > before) return decoded
    try {
      check(decoded)
      return decoded
    } catch (error) {
      if (isWimseError(error))
        return fault(faults, path, `${expected} (${error.code}${error.detail === undefined ? '' : `: ${error.detail}`})`)
      throw error
    }
  }

/** What reading a configuration gave. */
export type Decoded<T> =
  | { readonly config: T; readonly faults: readonly [] }
  | { readonly config: undefined; readonly faults: readonly ConfigFault[] }

/** The configuration, for callers that have nobody to show faults to. @throws WimseError `ERR_OPTIONS_INVALID` */
export function requireConfig<T>({ config, faults }: Decoded<T>): T {
  if (config === undefined) throw new WimseError('ERR_OPTIONS_INVALID', { detail: faults.map(formatFault).join('; ') })
  return config
}

/** `listen.port: expected a whole number from 0 to 65535`. */
export function formatFault({ path, expected }: ConfigFault): string {
  return `${path === '' ? 'the document' : path}: expected ${expected}`
}
