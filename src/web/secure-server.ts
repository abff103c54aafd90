import type { IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { Server } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import { type Handler, timeouts } from './limits.js'
import { sessionOf, socketOf } from './request-socket.js'
import { type ClientSocket, isClientAllowed } from './tls.js'
import type { LoadedWebConfig, WebConfigFile } from './web-config-file.js'

/** Requests at once on a connection of HTTP/2; Node's own limit is none. */
const maxStreams = 100

/** A server of HTTPS, and of HTTP/2 where it is configured, that lets in who has the right certificate. */
export function createSecureWebServer(handler: Handler, webConfig: WebConfigFile): Server {
  const first = webConfig.current
  const { tls, http2 } = first.config
  const options = {
    ...first.secureContext,
    ...timeouts,
    handshakeTimeout: timeouts.headersTimeout,
    requestCert: tls?.clientAuth !== 'NoClientCert',
    // The other ways to ask are looked after with each request.
    rejectUnauthorized: tls?.clientAuth === 'RequireAndVerifyClientCert',
  }
  const guarded: Handler = (request, response) => {
    if (isAllowed(request, webConfig)) handler(request, response)
    else sessionOf(request).destroy()
  }
  const server = http2
    ? // The cast: Fastify takes requests of HTTP/2 by Node's compatibility API.
      createSecureServer(
        { ...options, allowHTTP1: true, settings: { maxConcurrentStreams: maxStreams } },
        guarded as never,
      )
    : createServer(options, guarded)
  if (http2) Object.assign(server, timeouts)
  followCertificates(server, first, webConfig)
  return server
}

function isAllowed(request: IncomingMessage, webConfig: WebConfigFile): boolean {
  const { tls } = webConfig.latest().config
  return !tls || isClientAllowed(socketOf(request) as unknown as ClientSocket, tls)
}

/** Each handshake goes by the certificates that are there at its time. */
function followCertificates(server: TlsServer, first: LoadedWebConfig, webConfig: WebConfigFile): void {
  let applied = first
  server.prependListener('connection', () => {
    const latest = webConfig.latest()
    if (!latest.secureContext || latest === applied) return
    applied = latest
    server.setSecureContext(latest.secureContext)
  })
}
