import { type FieldLines, fieldValues, type RequestView, type ResponseView, utf8 } from '@wimse/core'
import type { ResponseTamper, Tamper } from '../world/control-protocol.ts'

/** What somebody on the way does to a request after its proof was made. `replay` is done by the sender of the call. */
export function tamperRequest(request: RequestView, tamper: Tamper): RequestView {
  switch (tamper.kind) {
    case 'body':
      return { ...request, body: utf8(tamper.value) }
    case 'method':
      return { ...request, method: tamper.value }
    case 'path':
      return { ...request, path: tamper.value }
    case 'query':
      return { ...request, query: tamper.value }
    case 'set-header':
      return { ...request, fields: [...without(request.fields, tamper.name), [tamper.name, tamper.value]] }
    case 'remove-header':
      return { ...request, fields: without(request.fields, tamper.name) }
    case 'double-header':
      return { ...request, fields: request.fields.flatMap((line) => (isNamed(line, tamper.name) ? [line, line] : [line])) }
    case 'wit-as-bearer':
      return { ...request, fields: witAsBearer(request.fields) }
    case 'second-tagged-signature':
      return { ...request, fields: request.fields.map(secondSignature) }
    case 'replay':
      return request
  }
}

/** What somebody on the way does to a response before the caller sees it. `of-another-request` is done by the sender of the call. */
export function tamperResponse(response: ResponseView, tamper: ResponseTamper): ResponseView {
  switch (tamper) {
    case 'strip-signature':
      return { ...response, fields: without(without(response.fields, 'signature'), 'signature-input') }
    case 'body':
      return { ...response, body: utf8('{"changed":true}') }
    case 'status':
      return { ...response, status: response.status === 200 ? 202 : 200 }
    case 'of-another-request':
      return response
  }
}

function isNamed([name]: FieldLines[number], wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase()
}

function without(fields: FieldLines, name: string): FieldLines {
  return fields.filter((line) => !isNamed(line, name))
}

function witAsBearer(fields: FieldLines): FieldLines {
  const [wit = ''] = fieldValues(fields, 'workload-identity-token')
  const proofs = ['workload-identity-token', 'authorization', 'signature', 'signature-input']
  return [...fields.filter((line) => !proofs.some((name) => isNamed(line, name))), ['authorization', `Bearer ${wit}`]]
}

/** The same signature under a second label: `wimse=…` becomes `wimse=…, again=…`. */
function secondSignature([name, value]: FieldLines[number]): FieldLines[number] {
  const lower = name.toLowerCase()
  if (lower !== 'signature' && lower !== 'signature-input') return [name, value]
  return [name, `${value}, again${value.slice(value.indexOf('='))}`]
}
