import type { OutgoingHttpHeaders } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { acceptsGzip, contentTypes, negotiateFormat } from '../exposition/format.js'
import { type PageSource, renderPage } from '../exposition/page.js'
import { Scrapers } from '../exposition/scrapers.js'
import { landingPage } from './landing-page.js'
import { sendPage } from './send-page.js'

export interface AppOptions extends PageSource {
  readonly telemetryPath: string
  /** Scrapes at once; 0: no limit. */
  readonly maxRequests: number
}

/** On every answer, as the OWASP Secure Headers Project has them for pages that load nothing. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'deny',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** A client that takes longer to send its request than this is let go. */
const requestTimeoutMs = 10_000

/** The web server, apart from listening. It is read-only: nothing changes state over HTTP. */
export function createApp(options: AppOptions): FastifyInstance {
  const answerError = (error: FastifyError, _request: unknown, reply: FastifyReply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) options.log.error({ err: error }, 'cannot answer a request')
    // What went wrong inside stays inside.
    return reply
      .code(status)
      .type('text/plain')
      .send(status >= 500 ? 'internal error\n' : 'bad request\n')
  }
  const app = fastify({
    logger: false,
    requestTimeout: requestTimeoutMs,
    frameworkErrors: (...args) => void answerError(...args),
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('not found\n'))
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders)
    const { method, headers } = request
    if (method !== 'GET' && method !== 'HEAD') {
      void reply.code(405).header('allow', 'GET, HEAD').type('text/plain').send('method not allowed\n')
    } else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      // Nothing here reads a body. The connection goes with it.
      void reply.code(413).header('connection', 'close').type('text/plain').send('no body is wanted\n')
    } else {
      done()
    }
  })

  const scrapers = new Scrapers()
  let scraping = 0
  app.get(options.telemetryPath, async (request, reply) => {
    const format = negotiateFormat(request.headers.accept)
    const gzip = acceptsGzip(request.headers['accept-encoding'])
    reply.headers({ 'content-type': contentTypes[format], vary: 'accept, accept-encoding' })
    if (gzip) reply.header('content-encoding', 'gzip')
    if (request.method === 'HEAD') return reply.send()
    if (options.maxRequests > 0 && scraping >= options.maxRequests) {
      reply.removeHeader('content-encoding')
      return reply.code(503).type('text/plain').send('too many requests at once (--web.max-requests)\n')
    }
    reply.hijack()
    reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
    // Prometheus and its kin say how long they wait; to people, counters show what they are.
    const scraper = 'x-prometheus-scrape-timeout-seconds' in request.headers
    const scrape = scraper ? scrapers.begin(request.socket) : undefined
    scraping++
    try {
      const readNs = await sendPage(reply.raw, renderPage(options, format, scrape), gzip)
      if (readNs !== undefined) scrape?.done(readNs)
    } finally {
      scraping--
    }
  })
  app.get('/', (_request, reply) => {
    reply.type('text/html; charset=utf-8')
    return reply.send(landingPage(options.telemetryPath))
  })
  // The program is attached before the server listens, so whoever is answered finds it ready.
  app.get('/-/healthy', (_request, reply) => reply.type('text/plain').send('healthy\n'))
  app.get('/-/ready', (_request, reply) => reply.type('text/plain').send('ready\n'))
  return app
}
