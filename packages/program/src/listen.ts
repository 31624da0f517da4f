import type { Server } from 'node:net'

/** An address to listen at. Port 0 takes any free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** A server that listens. */
export interface Listening {
  /** The port that it got; 0 on a unix socket. */
  readonly port: number
  /** Stops listening, ends open connections; resolves when all are gone. */
  close(): Promise<void>
}

interface ClosableServer extends Server {
  closeAllConnections(): void
}

/** Begins to listen. Rejects with the error of the system when the address can't be had. */
export function listen(server: ClosableServer, address: ListenAddress | { readonly socketPath: string }): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen('socketPath' in address ? { path: address.socketPath } : { host: address.host, port: address.port }, () => {
      server.removeListener('error', reject)
      const bound = server.address()
      resolve({
        port: typeof bound === 'object' && bound !== null ? bound.port : 0,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      })
    })
  })
}
