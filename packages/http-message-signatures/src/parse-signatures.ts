import { type FieldLines, fieldValues, WimseError } from '@wimse/core'
import type { ComponentIdentifier } from './component/component-identifier.ts'
import { parseBase64 } from './structured/base64.ts'
import { type RawMember, splitDictionary } from './structured/dictionary-members.ts'
import { parseStringList } from './structured/inner-list.ts'
import type { Parameters } from './structured/parameter-value.ts'

/** A signature that a message carries. Nothing of it has been verified. */
export interface ParsedSignature {
  /** A name inside of the message without any meaning (HMS-7.2.5-01). */
  readonly label: string
  readonly components: readonly ComponentIdentifier[]
  readonly parameters: Parameters
  /** The member of Signature-Input as it was received: the value of `@signature-params` (HMS-4.1-02). */
  readonly signatureParams: string
  /** Whether that is the canonical form. A signature whose parameters are not is never accepted. */
  readonly canonical: boolean
  readonly signature: Uint8Array
}

/** Bounds on what is parsed. */
export interface SignatureLimits {
  /** Characters of Signature-Input and of Signature, all lines of each together. */
  readonly maxFieldCharacters: number
  readonly maxSignatures: number
  readonly maxComponents: number
}

/** The limits unless told otherwise: 16 KiB, 8 signatures, 64 components of each. */
export const DEFAULT_SIGNATURE_LIMITS: SignatureLimits = { maxFieldCharacters: 16_384, maxSignatures: 8, maxComponents: 64 }

/**
 * Parses every signature of a message, in order: sizes, the two Dictionaries (HMS-4.1-01, HMS-4.2-01), labels that are unique
 * across all lines (HMS-4-02, HMS-4.1-06, HMS-4.2-05) and the same in both fields (HMS-3.2-03, HMS-4-03, HMS-4-04, HMS-4-05),
 * covered components as an Inner List of Strings (HMS-3.2-04), signatures as Byte Sequences in canonical base64 (HMS-3.2-05). What
 * a component or a parameter means is judged for the signature that is verified only.
 *
 * @returns an empty array for a message with neither field
 * @throws WimseError `ERR_HTTP_MESSAGE_SIGNATURE_INPUT`, `ERR_HTTP_MESSAGE_SIGNATURE`, `ERR_HTTP_MESSAGE_LABEL`,
 *   `ERR_HTTP_MESSAGE_LABEL_DUPLICATE`
 * @see RFC 9421 section 4
 */
export function parseSignatures(
  fields: FieldLines,
  { maxFieldCharacters, maxSignatures, maxComponents }: SignatureLimits = DEFAULT_SIGNATURE_LIMITS,
): readonly ParsedSignature[] {
  const inputs = members(fields, 'signature-input', 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT', maxFieldCharacters)
  const values = members(fields, 'signature', 'ERR_HTTP_MESSAGE_SIGNATURE', maxFieldCharacters)
  if (inputs.length > maxSignatures) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_INPUT', { detail: 'too many signatures' })
  if (inputs.length !== values.length) throw new WimseError('ERR_HTTP_MESSAGE_LABEL')
  const signatures = new Map(values.map((member) => [member.key, member]))
  return inputs.map((input) => {
    const value = signatures.get(input.key)
    if (value === undefined) throw new WimseError('ERR_HTTP_MESSAGE_LABEL')
    const list = input.hasValue ? parseStringList(input.text) : undefined
    if (list === undefined) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_INPUT')
    if (list.items.length > maxComponents) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_INPUT', { detail: 'too many components' })
    return {
      label: input.key,
      components: list.items,
      parameters: list.parameters,
      signatureParams: input.text,
      canonical: list.canonical,
      signature: signatureOf(value),
    }
  })
}

function members(
  fields: FieldLines,
  name: 'signature' | 'signature-input',
  code: 'ERR_HTTP_MESSAGE_SIGNATURE' | 'ERR_HTTP_MESSAGE_SIGNATURE_INPUT',
  maxCharacters: number,
): readonly RawMember[] {
  const lines = fieldValues(fields, name)
  if (lines.length === 0) return []
  const value = lines.length === 1 ? (lines[0] ?? '') : lines.join(', ')
  if (value.length > maxCharacters) throw new WimseError(code, { detail: 'too long' })
  const split = splitDictionary(value)
  if (split === undefined || split.length === 0) throw new WimseError(code)
  if (split.length > 1 && new Set(split.map(({ key }) => key)).size !== split.length) {
    throw new WimseError('ERR_HTTP_MESSAGE_LABEL_DUPLICATE')
  }
  return split
}

function signatureOf({ text, hasValue }: RawMember): Uint8Array {
  const bytes = hasValue && text.length > 2 && text.startsWith(':') && text.endsWith(':') ? parseBase64(text.slice(1, -1)) : undefined
  if (bytes === undefined || bytes.length === 0) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE')
  return bytes
}
