import { WimseError } from '@wimse/core'
import { formatParameters, formatString, type Parameters, type ParameterValue } from '../structured/parameter-value.ts'

/** What a signature covers: the name of a field in lower case or of a derived component, with its parameters. */
export interface ComponentIdentifier {
  readonly name: string
  readonly parameters: Parameters
  /** The canonical form, such as `"@method";req`. */
  readonly text: string
}

const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const DERIVED: ReadonlySet<string> = /* @__PURE__ */ new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
  '@status',
])
const FLAGS: ReadonlySet<string> = /* @__PURE__ */ new Set(['sf', 'bs', 'req'])

/**
 * Makes a component identifier: `component('@method', { req: true })`, `component('example', { key: 'a' })`. Names of fields are
 * put in lower case (HMS-2.1-01). Whether it fits a message is judged when the signature base is made.
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT`, `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER`
 * @see RFC 9421 section 2
 */
export function component(name: string, parameters: Readonly<Record<string, ParameterValue>> = {}): ComponentIdentifier {
  const lower = name.toLowerCase()
  const entries = Object.entries(parameters)
  const formatted = formatParameters(entries)
  if (formatted === undefined) throw parameterError()
  const identifier = { name: lower, parameters: new Map(entries), text: `${formatString(lower) ?? '""'}${formatted}` }
  checkIdentifier(identifier)
  return identifier
}

/** The identifier that a name alone or an identifier stands for. */
export function toComponent(input: string | ComponentIdentifier): ComponentIdentifier {
  return typeof input === 'string' ? component(input) : input
}

/**
 * Judges an identifier by itself: a name that is known or can be a field's (HMS-2.1-01, HMS-2.2-01, HMS-2.5-08, HMS-7.5.1-01),
 * `@signature-params` never among them (HMS-2.3-02), parameters that are understood (HMS-2.5-05), of their type, fitting the name
 * (HMS-2.5-14) and each other (HMS-2.1-16, HMS-2.5-06). `tr` is refused, as messages come here without their trailers: no
 * header field ever stands in for one (HMS-2.1.4-01, HMS-2.1.4-02, HMS-2.1.4-04, HMS-2.1.4-05).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_COMPONENT`, `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER`
 */
export function checkIdentifier({ name, parameters }: ComponentIdentifier): void {
  const derived = name.charCodeAt(0) === 0x40
  if (derived ? !DERIVED.has(name) : !FIELD_NAME.test(name)) throw new WimseError('ERR_HTTP_MESSAGE_COMPONENT', { detail: 'name' })
  if (parameters.size === 0) {
    if (name === '@query-param') throw parameterError()
    return
  }
  for (const [parameter, value] of parameters) {
    const accepted = FLAGS.has(parameter)
      ? value === true && (parameter === 'req' || !derived)
      : (parameter === 'key' && !derived && typeof value === 'string') ||
        (parameter === 'name' && name === '@query-param' && typeof value === 'string')
    if (!accepted) throw parameterError()
  }
  if (parameters.has('bs') && (parameters.has('sf') || parameters.has('key'))) throw parameterError()
  // HMS-2.2.8-02
  if (name === '@query-param' && !parameters.has('name')) throw parameterError()
}

/**
 * What makes two identifiers the same: parameters in any order (HMS-2-06), and `sf` beside `key`, which adds nothing (HMS-2.1-17),
 * left out, so that one member of a Dictionary is covered once (HMS-2.1.2-04).
 */
export function identityOf({ name, parameters, text }: ComponentIdentifier): string {
  if (parameters.size < 2) return text
  const entries = [...parameters].filter(([parameter]) => parameter !== 'sf' || !parameters.has('key'))
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `${formatString(name) ?? ''}${formatParameters(entries) ?? ''}`
}

/** The text of covered components as it stands in Signature-Input: an Inner List without its parameters (HMS-2.3-08, HMS-2.5-01). */
export function formatComponents(components: readonly ComponentIdentifier[]): string {
  return `(${components.map(({ text }) => text).join(' ')})`
}

function parameterError(): WimseError {
  return new WimseError('ERR_HTTP_MESSAGE_COMPONENT_PARAMETER')
}
