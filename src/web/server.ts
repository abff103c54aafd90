import { once } from 'node:events'
import type { Http2Session } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { formatAddress } from '../config/listen-address.js'
import type { Logger } from '../log.js'
import { Connections } from './connections.js'
import { inOrder } from './in-order.js'
import { type Handler, timeouts } from './limits.js'
import type { Listener } from './listeners.js'
import { connectionOf } from './request-socket.js'
import type { WebConfigFile } from './web-config-file.js'

// An import would read each export, and one of them loads a WebSocket client, of 3 MiB.
const { createServer } = process.getBuiltinModule('node:http')

export interface ServeOptions {
  readonly webConfig: WebConfigFile | undefined
  readonly log: Pick<Logger, 'error'>
}

/** The sockets that an app is served on. */
export interface WebServer {
  /** Where it is reached, such as `https://[::]:10191` or `unix:/run/egress-exporter.sock`. */
  readonly urls: readonly string[]
  /** Lets nobody in any more, and ends what takes longer than a deadline. */
  close(deadlineMs: number): Promise<void>
}

/** Connections that await a busy process, as native/listening_socket.cc has it; Node's 511 lose some in a flood. */
const backlog = 4_096

/** Serves an app on sockets that listen already, and closes them in the end. */
export async function serve(
  app: FastifyInstance,
  listeners: readonly Listener[],
  { webConfig, log }: ServeOptions,
): Promise<WebServer> {
  await app.ready()
  const connections = new Connections()
  const sessions = new Set<Http2Session>()
  const secure = webConfig?.current.secureContext !== undefined
  const answer = inOrder((request, response) => app.routing(request, response))
  const handler: Handler = (request, response) => {
    response.once('close', connections.isBusy(connectionOf(request)))
    answer(request, response)
  }
  const opened: { readonly server: Server; readonly url: string }[] = []
  for (const listener of listeners) {
    const server = await createWebServer(handler, webConfig)
    server.prependListener('connection', (socket: Socket) => connections.add(socket))
    server.on('session', (session: Http2Session) => {
      sessions.add(session)
      session.setTimeout(timeouts.keepAliveTimeout, () => session.close())
      session.once('close', () => sessions.delete(session))
    })
    const bound = await takeOver(server, listener)
    server.on('error', (error) => log.error({ err: error }, 'cannot accept a connection'))
    opened.push({ server, url: bound.startsWith('unix:') ? bound : `http${secure ? 's' : ''}://${bound}` })
  }
  return {
    urls: opened.map(({ url }) => url),
    async close(deadlineMs) {
      for (const { path } of listeners) path?.remove()
      const closed = opened.map(({ server }) => new Promise((resolve) => server.close(resolve)))
      for (const session of sessions) session.close()
      const deadline = setTimeout(() => connections.destroyAll(), deadlineMs)
      await Promise.all(closed)
      clearTimeout(deadline)
      await app.close()
    },
  }
}

/** What TLS takes is loaded where it is wanted. */
async function createWebServer(handler: Handler, webConfig: WebConfigFile | undefined): Promise<Server> {
  if (!webConfig?.current.secureContext) return createServer(timeouts, handler)
  const { createSecureWebServer } = await import('./secure-server.js')
  return createSecureWebServer(handler, webConfig)
}

/** Serves on a socket that listens already. */
async function takeOver(server: Server, { fd, path }: Listener): Promise<string> {
  const listening = once(server, 'listening')
  server.listen({ fd, backlog })
  await listening
  const bound = server.address() as AddressInfo | null
  // Node does not know the path of a socket that it did not make.
  if (!bound) return `unix:${path?.path ?? `descriptor ${fd}`}`
  return formatAddress(bound.address, bound.port)
}
