import { isJsonObject, type JsonObject, parseStrictJsonObject, utf8, WimseError, withCode } from '@wimse/core'
import type { MessageView } from './message-view.ts'
import type { VerifiedMessage } from './verify-message.ts'

/** An event of CloudEvents 1.0. */
export interface CloudEvent {
  /** Context attributes by name: `id`, `source`, `type`, `specversion`, and what else there is, extensions too. */
  readonly attributes: Readonly<Record<string, string>>
  readonly data: Uint8Array
}

/** The attributes that are bound unless told otherwise. `datacontenttype` is the content type, which is always bound. */
const ATTRIBUTES = ['id', 'source', 'type', 'specversion', 'subject', 'time', 'dataschema']
const REQUIRED = ['id', 'source', 'type', 'specversion']
const PREFIX = 'ce-'
const ATTRIBUTE_NAME = /^[a-z0-9]{1,128}$/
const STRUCTURED = /^application\/cloudevents\+json(?: *;.*)?$/i
const ANY_STRUCTURED = /^application\/cloudevents/i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const MAX_DEPTH = 64

/**
 * The names of the header fields of an event in binary mode: `boundFields` of sender and recipient.
 *
 * @param extensions names of extension attributes that the recipient uses
 * @throws WimseError `ERR_OPTIONS_INVALID` for what is no name of an attribute
 */
export function cloudEventFields(extensions: readonly string[] = []): readonly string[] {
  if (!extensions.every((name) => ATTRIBUTE_NAME.test(name))) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'extensions' })
  return [...new Set([...ATTRIBUTES, ...extensions])].map((name) => `${PREFIX}${name}`)
}

/**
 * The message of an event in binary mode, as the bindings for HTTP and NATS have it: attributes are fields `ce-…`, percent-encoded,
 * `datacontenttype` is the content type, the data is the payload.
 *
 * @throws WimseError `ERR_OPTIONS_INVALID` for an event without a required attribute, or a name that is none
 */
export function binaryCloudEvent({ attributes, data }: CloudEvent, destination: string): MessageView {
  const { datacontenttype, ...others } = attributes
  if (!isComplete(attributes)) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'attributes of an event' })
  const fields = Object.entries(others).map(([name, value]) => [`${PREFIX}${name}`, encodeValue(value)] as const)
  const type = datacontenttype === undefined ? [] : [['content-type', datacontenttype] as const]
  return { kind: 'message', destination, fields: [...type, ...fields], payload: data }
}

/**
 * The message of an event in structured mode: the payload is the whole event, and so all of it is bound.
 *
 * @param json the event in the JSON format, as it goes over the wire
 */
export function structuredCloudEvent(json: Uint8Array, destination: string): MessageView {
  return { kind: 'message', destination, fields: [['content-type', 'application/cloudevents+json; charset=utf-8']], payload: json }
}

/**
 * The event of a verified message, in the mode that its content type tells. In binary mode only attributes that the proof binds are in it. In
 * structured mode numbers and booleans become text, and data that is no text or Base64 is JSON again, without its white space.
 *
 * @throws WimseError `ERR_MESSAGE_MALFORMED` for what is no event of version 1.0, a batch of them, and formats other than JSON
 */
export function cloudEventOf({ message, contentType, boundFields }: VerifiedMessage): CloudEvent {
  const structured = contentType !== undefined && ANY_STRUCTURED.test(contentType)
  const event = structured ? parseStructured(message.payload, contentType) : parseBinary(message, contentType, boundFields)
  if (!isComplete(event.attributes)) throw malformed('attributes of an event')
  return event
}

function parseBinary({ fields, payload }: MessageView, contentType: string | undefined, bound: VerifiedMessage['boundFields']): CloudEvent {
  const attributes: Record<string, string> = contentType === undefined ? {} : { datacontenttype: contentType }
  for (const [line, value] of fields) {
    const name = line.toLowerCase()
    if (name.startsWith(PREFIX) && Object.hasOwn(bound, name)) attributes[name.slice(PREFIX.length)] = decodeValue(value.trim())
  }
  return { attributes, data: payload }
}

function parseStructured(payload: Uint8Array, contentType: string): CloudEvent {
  if (!STRUCTURED.test(contentType)) throw malformed('the format of an event')
  const event = withCode('ERR_MESSAGE_MALFORMED', () => parseStrictJsonObject(payload, { maxBytes: payload.length, maxDepth: MAX_DEPTH }))
  const { data, data_base64: base64, ...members } = event
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(members)) {
    if (value === null) continue
    if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isInteger(value)) throw malformed('the type of an attribute')
    attributes[name] = String(value)
  }
  return { attributes, data: dataOf(data, base64, attributes['datacontenttype']) }
}

function dataOf(data: JsonObject[string], base64: JsonObject[string], type: string | undefined): Uint8Array {
  if (base64 !== undefined) {
    if (data !== undefined || typeof base64 !== 'string' || !BASE64.test(base64)) throw malformed('data_base64')
    return Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0))
  }
  if (data === undefined) return new Uint8Array()
  const isText = typeof data === 'string' && type !== undefined && !/^[^;]*[/+]json *(?:;|$)/i.test(type)
  return utf8(isText ? data : JSON.stringify(data))
}

function isComplete(attributes: unknown): boolean {
  return (
    isJsonObject(attributes) &&
    Object.keys(attributes).every((name) => ATTRIBUTE_NAME.test(name)) &&
    REQUIRED.every((name) => Object.hasOwn(attributes, name) && attributes[name] !== '') &&
    attributes['specversion'] === '1.0'
  )
}

/** HTTP binding of CloudEvents 1.0.2, section 3.1.3.2. */
function encodeValue(value: string): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new WimseError('ERR_OPTIONS_INVALID', { detail: 'attributes of an event' })
  return value.replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    Array.from(utf8(character), (octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw malformed('percent-encoding of an attribute')
  }
}

function malformed(detail: string): WimseError {
  return new WimseError('ERR_MESSAGE_MALFORMED', { detail })
}
