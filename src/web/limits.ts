import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long a request or a handshake may take, and a connection rest; looked for each second. */
export const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 1_000,
}

/** What answers each request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void
