import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2Session, ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, type ListenOptions, type Server, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { formatAddress, type ListenAddress } from '../config/listen-address.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import type { Logger } from '../log.js'
import { Connections } from './connections.js'
import type { WebConfigFile } from './web-config-file.js'

// An import would read each export, and one of them loads a WebSocket client, of 3 MiB.
const { createServer } = process.getBuiltinModule('node:http')

export interface ServeOptions {
  readonly listen: readonly ListenAddress[] | 'systemd'
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

/** Whoever takes longer to bring a request, or to shake hands, is let go; looked for each second. */
export const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 1_000,
}
/** Connections that await a busy process, as many as Linux 5.4 and newer allow; Node's 511 lose some in a flood. */
const backlog = 4_096
/** The first descriptor that systemd hands over: SD_LISTEN_FDS_START, sd_listen_fds(3). */
const firstDescriptor = 3

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Serves an app on all addresses.
 *
 * @throws UserError if one of them cannot be had; nothing listens then
 */
export async function serve(
  app: FastifyInstance,
  { listen, webConfig, log }: ServeOptions,
): Promise<WebServer> {
  await app.ready()
  const connections = new Connections()
  const sessions = new Set<Http2Session>()
  const secure = webConfig?.loaded.secureContext !== undefined
  const handler: Handler = (request, response) => {
    connections.speaks(socketOf(request))
    app.routing(request, response)
  }
  const opened: { readonly server: Server; readonly url: string }[] = []
  const close = async (deadlineMs: number) => {
    const closed = opened.map(({ server }) => new Promise((resolve) => server.close(resolve)))
    for (const session of sessions) session.close()
    const deadline = setTimeout(() => connections.destroyAll(), deadlineMs)
    await Promise.all(closed)
    clearTimeout(deadline)
    await app.close()
  }
  try {
    for (const address of listen === 'systemd' ? systemdDescriptors() : listen) {
      const server = await createWebServer(handler, webConfig)
      server.prependListener('connection', (socket: Socket) => connections.add(socket))
      server.on('session', (session: Http2Session) => {
        sessions.add(session)
        session.setTimeout(timeouts.keepAliveTimeout, () => session.close())
        session.once('close', () => sessions.delete(session))
      })
      const bound = await open(server, address)
      server.on('error', (error) => log.error({ err: error }, 'cannot accept a connection'))
      opened.push({ server, url: bound.startsWith('unix:') ? bound : `http${secure ? 's' : ''}://${bound}` })
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return { urls: opened.map(({ url }) => url), close }
}

/** The connection of a request; streams of HTTP/2 share one. */
export function socketOf(request: IncomingMessage): Socket {
  return http2StreamOf(request)?.session?.socket ?? request.socket
}

/** What ends with all that a connection carries. */
export function sessionOf(request: IncomingMessage): { destroy(): void } {
  return http2StreamOf(request)?.session ?? request.socket
}

function http2StreamOf(request: IncomingMessage): ServerHttp2Stream | undefined {
  // The cast: requests of HTTP/2 come by Node's compatibility API.
  return request.httpVersionMajor < 2 ? undefined : (request as unknown as Http2ServerRequest).stream
}

/** What TLS takes is loaded where it is wanted. */
async function createWebServer(handler: Handler, webConfig: WebConfigFile | undefined): Promise<Server> {
  if (!webConfig?.loaded.secureContext) return createServer(timeouts, handler)
  const { createSecureWebServer } = await import('./secure-server.js')
  return createSecureWebServer(handler, webConfig)
}

/** @returns the address it got, as a URL's authority, or `unix:` and a path */
async function open(server: Server, address: ListenAddress | Descriptor): Promise<string> {
  if ('path' in address) {
    await removeStaleSocket(address.path)
    await listenOn(server, { path: address.path }, `unix:${address.path}`)
    // As with a log file: its group may be let in.
    chmodSync(address.path, 0o660)
    return `unix:${address.path}`
  }
  if ('fd' in address) {
    await listenOn(server, address, `descriptor ${address.fd}`)
  } else {
    const { host, port } = address
    const name = formatAddress(host ?? '', port)
    try {
      await listenOn(server, { host: host ?? '::', port }, name)
    } catch (error) {
      // A host without IPv6 has no "::".
      const noIpv6 = ((error as Error).cause as NodeJS.ErrnoException).code === 'EAFNOSUPPORT'
      if (host !== undefined || !noIpv6) throw error
      await listenOn(server, { host: '0.0.0.0', port }, name)
    }
  }
  const bound = server.address() as AddressInfo | string
  return typeof bound === 'string' ? `unix:${bound}` : formatAddress(bound.address, bound.port)
}

async function listenOn(server: Server, options: ListenOptions | Descriptor, name: string): Promise<void> {
  try {
    const listening = once(server, 'listening')
    server.listen({ ...options, backlog })
    await listening
  } catch (error) {
    throw explainListen(error as NodeJS.ErrnoException, name)
  }
}

/** A killed process leaves its socket behind. One that is answered belongs to somebody. */
async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') rmSync(path)
  } finally {
    socket.destroy()
  }
}

interface Descriptor {
  readonly fd: number
}

/**
 * The sockets that systemd hands over, sd_listen_fds(3).
 *
 * @throws UserError if there are none for this process
 */
function systemdDescriptors(environment: NodeJS.ProcessEnv = process.env): Descriptor[] {
  const { LISTEN_PID, LISTEN_FDS } = environment
  const count = LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) : 0
  if (!(count > 0)) {
    throw usageError('--web.systemd-socket: systemd handed no socket over: start it by a .socket unit')
  }
  return Array.from({ length: count }, (_, index) => ({ fd: firstDescriptor + index }))
}

function explainListen(error: NodeJS.ErrnoException, address: string): UserError {
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: 'another program listens there: stop it, or choose another address with --web.listen-address',
    EADDRNOTAVAIL: 'this host does not have that address: choose another with --web.listen-address',
    EACCES: 'the port needs CAP_NET_BIND_SERVICE: choose one above 1023 with --web.listen-address',
    ENOTFOUND: 'the name has no address: choose another with --web.listen-address',
    ENOENT: 'its folder does not exist',
  }
  const reason = reasons[error.code ?? ''] ?? error.message
  return new UserError(`cannot listen on ${address}: ${reason}`, ExitCode.failed, { cause: error })
}
