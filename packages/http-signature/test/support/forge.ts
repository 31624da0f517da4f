import type { RequestView, ResponseView } from '@wimse/core'
import { type ComponentIdentifier, component, type ParameterValue, signMessage } from '@wimse/http-message-signatures'
import type { WitCredential } from '@wimse/wit'
import { WIMSE_TAG } from '../../src/index.ts'
import { NOW, runtime } from './world.ts'

/** What a sender that doesn't keep to the profile does otherwise. A parameter that is undefined is left out. */
export interface Forgery {
  readonly components?: readonly (string | ComponentIdentifier)[]
  readonly without?: readonly string[]
  readonly parameters?: Readonly<Record<string, ParameterValue | undefined>>
  readonly signer?: WitCredential['signer']
  readonly label?: string
  readonly request?: RequestView
}

export const REQUEST_PARAMETERS = {
  created: NOW,
  expires: NOW + 60,
  nonce: 'a-nonce',
  tag: WIMSE_TAG,
  'wimse-aud': 'https://payments.shop.example/charges',
} as const

/**
 * Signs with a valid key, but as told: every fixture has the one fault that it is named after. The message has to carry its WIT and its
 * digest already.
 */
export async function forge<M extends RequestView | ResponseView>(
  message: M,
  credential: WitCredential,
  forgery: Forgery = {},
): Promise<M> {
  const own = message.kind === 'request' ? REQUEST_COMPONENTS : RESPONSE_COMPONENTS
  const fields = message.fields.map(([name]) => name.toLowerCase()).filter((name) => PROFILE_FIELDS.includes(name))
  const components = (forgery.components ?? [...own, ...fields]).filter((name) => {
    const text = typeof name === 'string' ? `"${name}"` : name.text
    return !(forgery.without ?? []).includes(text)
  })
  const merged = { ...REQUEST_PARAMETERS, ...forgery.parameters }
  const parameters = Object.fromEntries(Object.entries(merged).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
  const made = await signMessage(message, {
    signer: forgery.signer ?? credential.signer,
    components,
    parameters,
    label: forgery.label ?? 'sig1',
    runtime,
    ...(forgery.request === undefined ? {} : { request: forgery.request }),
  })
  const withoutCreated = merged.created === undefined ? stripCreated : (text: string) => text
  return {
    ...message,
    fields: [...message.fields, ['Signature-Input', withoutCreated(made.signatureInput)], ['Signature', made.signature]],
  }
}

const REQUEST_COMPONENTS = ['@method', '@path', '@query'].map((name) => component(name))
const RESPONSE_COMPONENTS = [component('@status'), ...['@method', '@path', '@query'].map((name) => component(name, { req: true }))]
const PROFILE_FIELDS = ['workload-identity-token', 'content-type', 'content-digest', 'authorization', 'txn-token']

/** `signMessage` always dates; a signature without a date fails before its octets matter. */
function stripCreated(text: string): string {
  return text.replace(/;created=\d+/, '')
}
