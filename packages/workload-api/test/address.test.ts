import { describe, expect, it } from 'vitest'
import { workloadApiAddressOf } from '../src/connection/address.ts'
import { MAX_SOCKET_PATH_BYTES, openWorkloadApi, parseWorkloadApiAddress } from '../src/index.ts'

describe('parseWorkloadApiAddress', () => {
  it.each([
    ['WLEP-4-04 WLEP-4-05 WLEP-4-06 WLEP-4-07: a unix URI', 'unix:///run/agent.sock', { kind: 'unix', path: '/run/agent.sock' }],
    ['WLEP-4-06: a unix URI without an empty authority', 'unix:/run/agent.sock', { kind: 'unix', path: '/run/agent.sock' }],
    ['WLEP-4-03: a percent-encoded octet of a path', 'unix:///run/my%20agent.sock', { kind: 'unix', path: '/run/my agent.sock' }],
    ['WLEP-4-04 WLEP-4-08 WLEP-4-09 WLEP-4-10: a tcp URI', 'tcp://127.0.0.1:8000', { kind: 'tcp', host: '127.0.0.1', port: 8000 }],
    ['WLEP-4-08: an IPv6 address', 'tcp://[::1]:8000', { kind: 'tcp', host: '::1', port: 8000 }],
  ])('accepts %s', (_title, text, expected) => {
    expect(parseWorkloadApiAddress(text)).toEqual(expected)
  })

  it.each([
    ['WLEP-4-03: a path without a scheme', '/run/agent.sock'],
    ['WLEP-4-03: an empty text', ''],
    ['WLEP-4-03: a character that no URI has', 'unix:///run/my agent.sock'],
    ['WLEP-4-03: octets that are not UTF-8', 'unix:///run/%ff.sock'],
    ['WLEP-4-04: another scheme', 'http://127.0.0.1:8000'],
    ['WLEP-4-04: a scheme in upper case', 'UNIX:///run/agent.sock'],
    ['WLEP-4-05: an authority', 'unix://run/agent.sock'],
    ['WLEP-4-06: a relative path', 'unix:run/agent.sock'],
    ['WLEP-4-06: a directory', 'unix:///run/'],
    ['WLEP-4-06: a zero octet', 'unix:///run/a%00.sock'],
    ['WLEP-4-06: no path', 'unix://'],
    ['WLEP-4-06: a path that no socket address holds', `unix:///${'a'.repeat(MAX_SOCKET_PATH_BYTES)}`],
    ['WLEP-4-07: a query', 'unix:///run/agent.sock?x=1'],
    ['WLEP-4-07: a fragment', 'unix:///run/agent.sock#f'],
    ['WLEP-4-08: a host name', 'tcp://localhost:8000'],
    ['WLEP-4-08: no host', 'tcp://:8000'],
    ['WLEP-4-08: an IPv4 address in brackets', 'tcp://[127.0.0.1]:8000'],
    ['WLEP-4-09: no port', 'tcp://127.0.0.1'],
    ['WLEP-4-09: port zero', 'tcp://127.0.0.1:0'],
    ['WLEP-4-09: a port above 65535', 'tcp://127.0.0.1:65536'],
    ['WLEP-4-10: a path', 'tcp://127.0.0.1:8000/foo'],
    ['WLEP-4-10: a slash', 'tcp://127.0.0.1:8000/'],
    ['WLEP-4-10: a query', 'tcp://127.0.0.1:8000?x=1'],
    ['WLEP-4-10: user information', 'tcp://u@127.0.0.1:8000'],
  ])('refuses %s', (_title, text) => {
    expect(() => parseWorkloadApiAddress(text)).toThrow(expect.objectContaining({ code: 'ERR_WORKLOAD_API_ENDPOINT' }))
  })
})

describe('the address to use', () => {
  const environment = { SPIFFE_ENDPOINT_SOCKET: 'unix:///run/agent.sock' }

  it('WLEP-4-01: the one that is given wins', () => {
    expect(workloadApiAddressOf('tcp://127.0.0.1:1', environment)).toMatchObject({ kind: 'tcp' })
  })
  it('WLEP-4-02: the environment gives it otherwise', () => {
    expect(workloadApiAddressOf(undefined, environment)).toEqual({ kind: 'unix', path: '/run/agent.sock' })
  })
  it.each([{}, { SPIFFE_ENDPOINT_SOCKET: '' }])('WLEP-4-02: neither is refused', (nothing) => {
    expect(() => openWorkloadApi({ environment: nothing })).toThrow(expect.objectContaining({ code: 'ERR_WORKLOAD_API_ENDPOINT' }))
  })
})
