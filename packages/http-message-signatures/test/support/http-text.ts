import { type RequestView, type ResponseView, requestViewOfParts, utf8 } from '@wimse/core'

/** Reads an HTTP/1.1 message as the vectors write it: lines that end in a newline, an empty line, the body. */
export function messageOfText(text: string): RequestView | ResponseView {
  const split = text.indexOf('\n\n')
  const head = split === -1 ? text.replace(/\n$/, '') : text.slice(0, split)
  const rest = split === -1 ? '' : text.slice(split + 2)
  const [start = '', ...lines] = head.split('\n')
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1)]
  })
  const body = rest === '' ? null : utf8(rest)
  if (start.startsWith('HTTP/')) return { kind: 'response', status: Number(start.split(' ')[1]), fields, body }
  const [method = '', target = ''] = start.split(' ')
  const authority = fields.find(([name]) => name === 'Host')?.[1].trim() ?? ''
  return requestViewOfParts({ method, scheme: 'https', authority, target, fields, body })
}
