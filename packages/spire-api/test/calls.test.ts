import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'
import { Agent } from '../src/generated/spire/api/server/agent/v1/agent_pb.ts'
import { Bundle } from '../src/generated/spire/api/server/bundle/v1/bundle_pb.ts'
import { Entry } from '../src/generated/spire/api/server/entry/v1/entry_pb.ts'
import { LocalAuthority } from '../src/generated/spire/api/server/localauthority/v1/localauthority_pb.ts'
import { SVID } from '../src/generated/spire/api/server/svid/v1/svid_pb.ts'
import {
  attestByJoinToken,
  authorityRotation,
  getAuthorizedEntries,
  getFederatedBundle,
  issueWitSvid,
  renewNode,
  spireAdmin,
} from '../src/index.ts'

// Answers that a real server gives seldom or never; what it gives in earnest is tried by the interop suite.

const nodeId = { trustDomain: 'shop.example', path: '/spire/agent/join_token/x' }
const svid = { certChain: [new Uint8Array([1])], id: nodeId, expiresAt: 90n }
const csr = new Uint8Array([0x30])

describe('attestByJoinToken', () => {
  it('sends the token as payload and gives the node its SVID', async () => {
    let payload = ''
    const transport = createRouterTransport(({ service }) =>
      service(Agent, {
        async *attestAgent(requests) {
          for await (const { step } of requests) {
            if (step.case === 'params') payload = new TextDecoder().decode(step.value.data?.payload)
            yield { step: { case: 'result', value: { svid, reattestable: false } } }
          }
        },
      }),
    )
    await expect(attestByJoinToken(transport, { joinToken: 'token', csr })).resolves.toEqual({
      spiffeId: 'spiffe://shop.example/spire/agent/join_token/x',
      certificateChain: [new Uint8Array([1])],
      expiresAt: 90,
      reattestable: false,
    })
    expect(payload).toBe('token')
  })

  it.each([
    ['ends without a result', [], 'ERR_SPIRE_API_MALFORMED'],
    ['asks for a challenge', [{ step: { case: 'challenge' as const, value: csr } }], 'ERR_SPIRE_API_MALFORMED'],
    ['gives no SVID', [{ step: { case: 'result' as const, value: {} } }], 'ERR_SPIRE_API_MALFORMED'],
  ])('refuses a server that %s', async (_title, answers, code) => {
    const transport = createRouterTransport(({ service }) =>
      service(Agent, {
        async *attestAgent() {
          yield* answers
        },
      }),
    )
    await expect(attestByJoinToken(transport, { joinToken: 'token', csr })).rejects.toMatchObject({ code })
  })
})

describe('failures', () => {
  it.each([
    [Code.PermissionDenied, 'ERR_SPIRE_API_REFUSED'],
    [Code.FailedPrecondition, 'ERR_SPIRE_API_REFUSED'],
    [Code.Unavailable, 'ERR_SPIRE_API_UNAVAILABLE'],
    [Code.DeadlineExceeded, 'ERR_SPIRE_API_UNAVAILABLE'],
    [Code.InvalidArgument, 'ERR_SPIRE_API_ARGUMENT'],
    [Code.Unimplemented, 'ERR_SPIRE_API_UNIMPLEMENTED'],
  ])('gRPC status %i becomes %s and keeps what the server said out of the message', async (status, code) => {
    const transport = createRouterTransport(({ service }) =>
      service(Agent, {
        renewAgent: () => {
          throw new ConnectError('join token 5ecret', status)
        },
      }),
    )
    const failure: unknown = await renewNode(transport, { csr }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code })
    expect(`${String(failure)} ${(failure as { detail?: string }).detail}`).not.toContain('5ecret')
  })

  it('a status inside of an answer counts as a failure of the call', async () => {
    const transport = createRouterTransport(({ service }) =>
      service(SVID, {
        batchNewWITSVID: () => ({ results: [{ status: { code: Code.InvalidArgument, message: 'unsupported key type' } }] }),
      }),
    )
    const request = { entryId: 'e', publicKey: csr, algorithm: 'EdDSA' }
    await expect(issueWitSvid(transport, request)).rejects.toMatchObject({ code: 'ERR_SPIRE_API_ARGUMENT' })
  })

  it('an answer without its item is malformed', async () => {
    const transport = createRouterTransport(({ service }) => {
      service(SVID, { batchNewWITSVID: () => ({ results: [] }) })
      service(Entry, { batchCreateEntry: () => ({ results: [{ status: { code: 0 } }] }) })
    })
    const malformed = { code: 'ERR_SPIRE_API_MALFORMED' }
    const entry = { spiffeId: 'spiffe://shop.example/a', parentId: 'spiffe://shop.example/node', selectors: [] }
    await expect(issueWitSvid(transport, { entryId: 'e', publicKey: csr, algorithm: 'ES256' })).rejects.toMatchObject(malformed)
    await expect(spireAdmin(transport).createEntry(entry)).rejects.toMatchObject(malformed)
  })
})

describe('issueWitSvid', () => {
  it('passes entry, key and algorithm, and returns the token with its times in seconds, with or without a status', async () => {
    const transport = createRouterTransport(({ service }) =>
      service(SVID, {
        batchNewWITSVID: ({ params }) => ({
          results: params.map(({ entryId, signingAlgorithm }) => ({
            svid: { token: `${entryId}.${signingAlgorithm}`, id: { ...nodeId, path: '/orders' }, issuedAt: 1n, expiresAt: 91n },
          })),
        }),
      }),
    )
    await expect(issueWitSvid(transport, { entryId: 'e', publicKey: csr, algorithm: 'ES256' })).resolves.toEqual({
      token: 'e.ES256',
      spiffeId: 'spiffe://shop.example/orders',
      issuedAt: 1,
      expiresAt: 91,
    })
  })
})

describe('getAuthorizedEntries', () => {
  it('reads entries', async () => {
    const transport = createRouterTransport(({ service }) =>
      service(Entry, {
        getAuthorizedEntries: () => ({
          entries: [
            {
              id: 'e',
              spiffeId: { ...nodeId, path: '/orders' },
              parentId: { ...nodeId, path: '/node' },
              selectors: [{ type: 'unix', value: 'uid:1' }],
              x509SvidTtl: 60,
            },
          ],
        }),
      }),
    )
    await expect(getAuthorizedEntries(transport)).resolves.toEqual([
      {
        id: 'e',
        spiffeId: 'spiffe://shop.example/orders',
        parentId: 'spiffe://shop.example/node',
        selectors: [{ type: 'unix', value: 'uid:1' }],
        x509SvidTtlSeconds: 60,
        jwtSvidTtlSeconds: 0,
        federatesWith: [],
        dnsNames: [],
        hint: '',
        expiresAt: 0,
      },
    ])
  })

  it('refuses an entry without identifier', async () => {
    const transport = createRouterTransport(({ service }) => service(Entry, { getAuthorizedEntries: () => ({ entries: [{ id: 'e' }] }) }))
    await expect(getAuthorizedEntries(transport)).rejects.toMatchObject({ code: 'ERR_SPIRE_API_MALFORMED' })
  })
})

describe('getFederatedBundle', () => {
  it('is undefined where the server keeps nothing', async () => {
    const transport = createRouterTransport(({ service }) =>
      service(Bundle, {
        getFederatedBundle: () => {
          throw new ConnectError('bundle not found', Code.NotFound)
        },
      }),
    )
    await expect(getFederatedBundle(transport, 'bank.example')).resolves.toBeUndefined()
  })
})

describe('authorityRotation', () => {
  it('asks for the authorities of its kind', async () => {
    const transport = createRouterTransport(({ service }) =>
      service(LocalAuthority, {
        getX509AuthorityState: () => ({ active: { authorityId: 'x509-a' }, old: { authorityId: 'x509-o' } }),
        getJWTAuthorityState: () => ({ active: { authorityId: 'jwt-a' } }),
        prepareWITAuthority: () => ({ preparedAuthority: { authorityId: 'wit-p' } }),
      }),
    )
    await expect(authorityRotation(transport, 'x509').states()).resolves.toEqual({ active: 'x509-a', old: 'x509-o' })
    await expect(authorityRotation(transport, 'jwt').states()).resolves.toEqual({ active: 'jwt-a' })
    await expect(authorityRotation(transport, 'wit').prepare()).resolves.toBe('wit-p')
  })
})

describe('spireAdmin', () => {
  it.each(['', 'orders', 'https://shop.example/orders', 'spiffe://', 'spiffe://shop.example/a?b', 'spiffe://shop.example/a#b'])(
    'sends no request for %j, which is no SPIFFE ID',
    async (spiffeId) => {
      const transport = createRouterTransport(() => {})
      await expect(spireAdmin(transport).createJoinToken(spiffeId, 60)).rejects.toMatchObject({
        code: 'ERR_SPIRE_API_ARGUMENT',
      })
    },
  )
})
