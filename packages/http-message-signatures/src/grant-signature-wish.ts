import { type RequestView, type ResponseView, type Runtime, WimseError } from '@wimse/core'
import type { SignatureWish } from './accept-signature.ts'
import { type MessageSignature, type MessageSigner, signMessage } from './sign-message.ts'
import type { SignatureContext } from './signature-base.ts'
import type { ParameterValue } from './structured/parameter-value.ts'

/** Options of {@link grantSignatureWish}. */
export interface GrantSignatureWishOptions extends SignatureContext {
  readonly signer: MessageSigner
  /** What the signer's key is called; a wish for another one isn't granted. */
  readonly keyid?: string
  /** The registered name of the signer's algorithm; a wish for another one isn't granted. */
  readonly alg?: string
  /** Seconds until `expires`, where the wish asks for it. */
  readonly lifetimeSeconds: number
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * Makes exactly the signature that a wish asks for: its label (HMS-5.2-04), its components (HMS-5.2-05), every one of its parameters
 * (HMS-5.2-06) with `nonce` and `tag` copied (HMS-5.1-05), `created` and `expires` made (HMS-5.1-04), `alg` and `keyid` only as asked
 * (HMS-5.1-06). Whether it should be granted at all is the caller's to decide before (HMS-5.2-08).
 *
 * @throws WimseError `ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE` for a parameter that can't be fulfilled (HMS-5.2-02), those of `signMessage` for
 *   components that don't fit the message (HMS-5.2-01)
 * @see RFC 9421 section 5.2
 */
export async function grantSignatureWish(
  message: RequestView | ResponseView,
  { label, components, parameters: wanted }: SignatureWish,
  { keyid, alg, lifetimeSeconds, ...options }: GrantSignatureWishOptions,
): Promise<MessageSignature> {
  const created = Math.floor(options.runtime.now() / 1000)
  const granted: Record<string, ParameterValue> = { created }
  for (const [name, value] of wanted) {
    if (name === 'created') continue
    if (name === 'expires') granted[name] = created + Math.ceil(lifetimeSeconds)
    else if (name === 'nonce' || name === 'tag' || (name === 'keyid' && value === keyid) || (name === 'alg' && value === alg)) {
      granted[name] = value
    } else throw new WimseError('ERR_HTTP_MESSAGE_ACCEPT_SIGNATURE', { detail: `${name} can not be fulfilled` })
  }
  return signMessage(message, { ...options, label, components, parameters: granted })
}
