import { isWimseError, type RequestView, requestViewOfParts, utf8 } from '@wimse/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createSignatureBase,
  parseAcceptSignature,
  parseContentDigest,
  parseSignatures,
  signMessage,
  verifyContentDigest,
  verifyMessage,
} from '../src/index.ts'
import { formatBase64, parseBase64 } from '../src/structured/base64.ts'
import { parseCanonical, parseWithLibrary } from '../src/structured/inner-list.ts'
import { formatParameters, formatString, type ParameterValue } from '../src/structured/parameter-value.ts'
import { fixedRuntime, nodeKey } from './support/node-keys.ts'

const runtime = fixedRuntime(1_000_000)
const key = nodeKey({ k_base64: 'c2VjcmV0' }, 'hmac-sha256')

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 12 })
const name = fc.stringMatching(/^[a-z*][a-z0-9_\-.*]{0,6}$/)
const value: fc.Arbitrary<ParameterValue> = fc.oneof(
  printable,
  fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
  fc.boolean(),
  fc.stringMatching(/^[A-Za-z*][:/!#$%&'*+\-.^_`|~A-Za-z0-9]{0,5}$/).map((serialized) => ({ serialized })),
)
const parameters = fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true })
const listText = fc
  .tuple(fc.array(fc.tuple(printable, parameters), { maxLength: 4 }), parameters)
  .map(
    ([items, own]) =>
      `(${items.map(([text, p]) => `${formatString(text)}${formatParameters(Object.entries(p))}`).join(' ')})${formatParameters(Object.entries(own))}`,
  )
/** Texts that are nearly right: pieces of the grammar in any order. */
const nearlyText = fc
  .array(
    fc.constantFrom(
      '(',
      ')',
      '"',
      '\\',
      ';',
      '=',
      ',',
      ' ',
      ':',
      '?0',
      '?1',
      '@',
      '%"',
      '-',
      '1',
      '.5',
      '0',
      'a',
      'b',
      '"a"',
      '\t',
      'tag="t"',
      'AAAA',
      '\u00e9',
    ),
    {
      maxLength: 14,
    },
  )
  .map((pieces) => pieces.join(''))

describe('the parser of Inner Lists', () => {
  it('agrees with the library on every canonical text', () => {
    fc.assert(
      fc.property(listText, (text) => {
        const ours = parseCanonical(text)
        const library = parseWithLibrary(text)
        expect(library?.canonical).toBe(true)
        if (ours !== undefined) expect(ours).toEqual(library)
      }),
      { numRuns: 500 },
    )
  })

  it('accepts nothing that the library refuses or finds not canonical', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          nearlyText,
          nearlyText.map((text) => `(${text})`),
          nearlyText.map((text) => `("a")${text}`),
        ),
        (text) => {
          const ours = parseCanonical(text)
          if (ours !== undefined) expect(ours).toEqual(parseWithLibrary(text))
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('base64', () => {
  it('parse after format is the identity, and there is one form', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        expect(parseBase64(formatBase64(octets))).toEqual(octets)
        expect(formatBase64(octets)).toBe(Buffer.from(octets).toString('base64'))
      }),
    )
    fc.assert(
      fc.property(fc.base64String(), (text) => {
        const octets = parseBase64(text)
        if (octets !== undefined) expect(formatBase64(octets)).toBe(text)
      }),
    )
  })
})

describe('arbitrary input throws coded errors only', () => {
  const texts = fc.oneof(fc.string(), nearlyText, fc.string({ unit: 'binary' }))
  const coded = (step: () => unknown): void => {
    try {
      step()
    } catch (error) {
      expect(isWimseError(error)).toBe(true)
    }
  }

  it('in fields', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const fields = [
          ['signature-input', `s=${a}`],
          ['signature', `s=:${b}:`],
          ['accept-signature', a],
          ['content-digest', b],
          ['x', b],
        ] as const
        coded(() => parseSignatures(fields))
        coded(() => parseSignatures([...fields.slice(2), ['signature-input', a], ['signature', 's=:AAAA:']]))
        coded(() => parseAcceptSignature(fields))
        coded(() => parseContentDigest(fields))
        const request: RequestView = { kind: 'request', method: a, scheme: 'https', authority: b, path: b, query: a, fields, body: null }
        const [parsed] = parseSignatures([
          ['signature-input', 's=("@method" "@authority" "@path" "@query" "x" "x";bs "x";sf "x";key="a" "@query-param";name="a")'],
          ['signature', 's=:AAAA:'],
        ])
        for (const identifier of parsed?.components ?? []) {
          coded(() => createSignatureBase(request, [identifier], '()', { structuredFields: { x: 'dictionary' } }))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a change of one character of an accepted message', () => {
  it('is refused', async () => {
    const body = utf8('{"a":1}')
    const digest = 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'
    const request = requestViewOfParts({
      method: 'POST',
      scheme: 'https',
      authority: 'a.example',
      target: '/p?q=1',
      fields: [
        ['x', 'some value'],
        ['content-digest', digest],
      ],
    })
    const components = ['@method', '@path', '@query', 'x', 'content-digest']
    const made = await signMessage(request, {
      signer: key,
      components,
      parameters: { expires: 1_000_060, nonce: 'abc', tag: 't' },
      runtime,
    })
    const accepted: RequestView = {
      ...request,
      body,
      fields: [...request.fields, ['signature-input', made.signatureInput], ['signature', made.signature]],
    }
    const verify = async (message: RequestView): Promise<void> => {
      await verifyMessage(message, { verifier: key, select: () => true, requiredComponents: components, runtime })
      await verifyContentDigest(message, { runtime })
    }
    await verify(accepted)
    const places = ['method', 'path', 'query', 'x', 'content-digest', 'signature-input', 'signature'] as const
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), async (place, at, code) => {
        const change = (text: string): string => {
          const index = at % text.length
          return `${text.slice(0, index)}${String.fromCharCode(code)}${text.slice(index + 1)}`
        }
        const changed: RequestView = {
          ...accepted,
          method: place === 'method' ? change(accepted.method) : accepted.method,
          path: place === 'path' ? change(accepted.path) : accepted.path,
          query: place === 'query' ? change(accepted.query ?? '') : accepted.query,
          fields: accepted.fields.map(([name, text]) => [name, name === place ? change(text) : text]),
        }
        fc.pre(JSON.stringify(changed) !== JSON.stringify(accepted))
        const outcome = await verify(changed).then(
          () => 'accepted',
          (error: unknown) => isWimseError(error),
        )
        if (outcome !== true) {
          // The label is no part of what is signed; only a change of both labels alike could go through.
          expect.unreachable(`${place} ${JSON.stringify(changed.fields)}`)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
