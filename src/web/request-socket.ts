import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

/** The connection of a request; streams of HTTP/2 share one. */
export function socketOf(request: IncomingMessage): Socket {
  return http2StreamOf(request)?.session?.socket ?? request.socket
}

/** The connection as it was accepted: what speaks TLS, and HTTP/2 in it, lies upon another socket. */
export function connectionOf(request: IncomingMessage): Socket {
  const socket = socketOf(request) as Socket & { readonly _parent?: Socket | null }
  return socket._parent ?? socket
}

/** What ends with all that a connection carries. */
export function sessionOf(request: IncomingMessage): { destroy(): void } {
  return http2StreamOf(request)?.session ?? request.socket
}

function http2StreamOf(request: IncomingMessage): ServerHttp2Stream | undefined {
  // The cast: requests of HTTP/2 come by Node's compatibility API.
  return request.httpVersionMajor < 2 ? undefined : (request as unknown as Http2ServerRequest).stream
}
