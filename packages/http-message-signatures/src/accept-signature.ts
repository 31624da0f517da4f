import { type FieldLines, fieldValues, WimseError } from '@wimse/core'
import { type ComponentIdentifier, checkIdentifier, formatComponents, toComponent } from './component/component-identifier.ts'
import { DEFAULT_SIGNATURE_LIMITS, type SignatureLimits } from './parse-signatures.ts'
import { splitDictionary } from './structured/dictionary-members.ts'
import { parseStringList } from './structured/inner-list.ts'
import { formatParameters, isKey, type Parameters, type ParameterValue } from './structured/parameter-value.ts'

/** A signature that the other side would like to see on the next message of this exchange. */
export interface SignatureWish {
  readonly label: string
  /** Exactly what is to be covered (HMS-5.1-02). */
  readonly components: readonly ComponentIdentifier[]
  /** `created` and `expires` as flags, `nonce`, `tag`, `alg` and `keyid` with the value to use (HMS-5.1-04, HMS-5.1-05, HMS-5.1-06). */
  readonly parameters: Parameters
}

/** What {@link formatAcceptSignature} takes for one wish. */
export interface SignatureWishInput {
  readonly label: string
  readonly components: readonly (string | ComponentIdentifier)[]
  readonly parameters?: Readonly<Record<string, ParameterValue>>
}

const FLAGS = ['created', 'expires']
const TEXTS = ['nonce', 'tag', 'alg', 'keyid']

/**
 * Parses Accept-Signature: a Dictionary of unique labels and Inner Lists (HMS-5.1-01), components that are understood, parameters of
 * the types they have here. Whether a wish is granted, and whether its components fit the message (HMS-5.2-01), is for the signer.
 *
 * @returns an empty array for a message without the field
 * @throws WimseError `ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE`, `ERR_HTTP_MESSAGE_COMPONENT`, `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER`
 * @see RFC 9421 section 5
 */
export function parseAcceptSignature(fields: FieldLines, limits: SignatureLimits = DEFAULT_SIGNATURE_LIMITS): readonly SignatureWish[] {
  const lines = fieldValues(fields, 'accept-signature')
  if (lines.length === 0) return []
  const value = lines.join(', ')
  const members = value.length > limits.maxFieldCharacters ? undefined : splitDictionary(value)
  if (members === undefined || members.length > limits.maxSignatures) throw malformed('dictionary')
  if (new Set(members.map(({ key }) => key)).size !== members.length) throw malformed('label occurs twice')
  return members.map(({ key, text, hasValue }) => {
    const list = hasValue ? parseStringList(text) : undefined
    if (list === undefined || list.items.length > limits.maxComponents) throw malformed('inner list')
    const components = list.items
    for (const identifier of components) checkIdentifier(identifier)
    checkParameters(list.parameters)
    return { label: key, components, parameters: list.parameters }
  })
}

/**
 * Formats Accept-Signature.
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE`, `ERR_HTTP_MESSAGE_COMPONENT`, `ERR_HTTP_MESSAGE_COMPONENT_PARAMETER`
 * @see RFC 9421 section 5.1
 */
export function formatAcceptSignature(wishes: readonly SignatureWishInput[]): string {
  if (wishes.length === 0 || new Set(wishes.map(({ label }) => label)).size !== wishes.length) throw malformed('labels')
  return wishes
    .map(({ label, components, parameters = {} }) => {
      const entries = new Map(Object.entries(parameters))
      checkParameters(entries)
      const formatted = formatParameters(entries)
      if (formatted === undefined || !isKey(label)) throw malformed('label or parameter')
      const identifiers = components.map(toComponent)
      return `${label}=${formatComponents(identifiers)}${formatted}`
    })
    .join(', ')
}

function checkParameters(parameters: Parameters): void {
  for (const name of FLAGS) {
    const value = parameters.get(name)
    if (value !== undefined && value !== true) throw malformed(name)
  }
  for (const name of TEXTS) {
    const value = parameters.get(name)
    if (value !== undefined && typeof value !== 'string') throw malformed(name)
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE', { detail })
}
