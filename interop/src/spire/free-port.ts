import { once } from 'node:events'
import { createServer } from 'node:net'

/** Not given a second time: whoever asked for one listens on it only later. */
const given = new Set<number>()

/** TCP ports of the loopback interface that nobody listens on now, and that this process has given to nobody before. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count && tries < 20; tries += 1) {
    const fresh = (await listenOnce(count - ports.length)).filter((port) => !given.has(port))
    for (const port of fresh) given.add(port)
    ports.push(...fresh)
  }
  if (ports.length < count) throw new Error('no free ports are left')
  return ports
}

async function listenOnce(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
    return address.port
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
