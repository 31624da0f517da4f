import { type MaybePromise, type RequestView, type ResponseView, type Runtime, utf8, WimseError } from '@wimse/core'
import { type ComponentIdentifier, formatComponents, toComponent } from './component/component-identifier.ts'
import { parseSignatures } from './parse-signatures.ts'
import { createSignatureBase, type SignatureContext } from './signature-base.ts'
import { readSignatureParameters } from './signature-parameters.ts'
import { formatBase64 } from './structured/base64.ts'
import { formatParameters, isKey, type ParameterValue } from './structured/parameter-value.ts'

/**
 * Signs with one key and one algorithm that fit each other (HMS-3.1-02, HMS-3.3-01). For a JOSE algorithm the data is the whole
 * signing input (HMS-3.3.7-01). The octets are what goes into the Signature field: for ECDSA `r` and `s` of fixed length
 * (HMS-3.3.4-01, HMS-3.3.5-01).
 */
export interface MessageSigner {
  sign(data: Uint8Array): MaybePromise<Uint8Array>
}

/** Options of {@link signMessage}. */
export interface SignMessageOptions extends SignatureContext {
  readonly signer: MessageSigner
  /** What is covered, in this order: names, or identifiers made with `component`. */
  readonly components: readonly (string | ComponentIdentifier)[]
  /** Signature parameters in this order. `created` is put in front of them with the current time unless it is among them (HMS-3.1-03). */
  readonly parameters?: Readonly<Record<string, ParameterValue>>
  /** `sig1` unless told. */
  readonly label?: string
  readonly runtime: Pick<Runtime, 'now'>
}

/** A signature as two header fields that are to be appended to the message. */
export interface MessageSignature {
  readonly label: string
  /** The line of `Signature-Input`. */
  readonly signatureInput: string
  /** The line of `Signature`. */
  readonly signature: string
}

/**
 * Signs a request or a response: parameters of their types, a label that the message doesn't use (HMS-4.3-02), the signature base
 * (HMS-3.1-06, HMS-3.1-09), the signature over it as ASCII (HMS-3.1-10). The message is not changed; whether what is covered
 * suffices is the caller's decision (HMS-7.2.2-01).
 *
 * @example
 * const { signatureInput, signature } = await signMessage(request, { signer, components: ['@method', '@path'], runtime })
 *
 * @throws WimseError those of `createSignatureBase`, `ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER`, `ERR_HTTP_MESSAGE_LABEL`,
 *   `ERR_HTTP_MESSAGE_LABEL_DUPLICATE`, and those of `parseSignatures` when the message already carries broken ones
 * @see RFC 9421 section 3.1
 */
export async function signMessage(message: RequestView | ResponseView, options: SignMessageOptions): Promise<MessageSignature> {
  const { signer, parameters = {}, label = 'sig1', runtime } = options
  if (!isKey(label)) throw new WimseError('ERR_HTTP_MESSAGE_LABEL', { detail: 'no label' })
  if (parseSignatures(message.fields).some((existing) => existing.label === label)) throw new WimseError('ERR_HTTP_MESSAGE_LABEL_DUPLICATE')
  const components = options.components.map(toComponent)
  const signatureParams = `${formatComponents(components)}${formatted(parameters, runtime)}`
  const base = createSignatureBase(message, components, signatureParams, options)
  const octets = await signer.sign(utf8(base))
  return { label, signatureInput: `${label}=${signatureParams}`, signature: `${label}=:${formatBase64(octets)}:` }
}

function formatted(parameters: Readonly<Record<string, ParameterValue>>, runtime: Pick<Runtime, 'now'>): string {
  const all = new Map(Object.entries(parameters))
  readSignatureParameters(all)
  const text = formatParameters(all)
  if (text === undefined) throw new WimseError('ERR_HTTP_MESSAGE_SIGNATURE_PARAMETER')
  return all.has('created') ? text : `;created=${Math.floor(runtime.now() / 1000)}${text}`
}
