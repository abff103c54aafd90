import type { OutgoingHttpHeaders } from 'node:http'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type onRequestAsyncHookHandler,
} from 'fastify'
import type { DestinationsSource } from '../destinations/list.js'
import { acceptsGzip, contentTypes, negotiateFormat } from '../exposition/format.js'
import { type PageSource, renderPage } from '../exposition/page.js'
import { ScrapeRhythm } from '../exposition/scrape-rhythm.js'
import type { Logger } from '../log.js'
import { AllowedHosts } from './allowed-hosts.js'
import { apiRoutes } from './api.js'
import { BusyError, Gate } from './gate.js'
import { manualRoutes } from './page/manual.js'
import { pageRoutes } from './page/routes.js'
import { scraperOf } from './scraper.js'
import { sendPage } from './send-page.js'
import { siteCheck } from './site-check.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** In place of the usual one, which lets nothing in. */
    contentSecurityPolicy?: string
  }
}

export interface AppOptions extends PageSource {
  readonly counter: PageSource['counter'] & DestinationsSource
  readonly log: Pick<Logger, 'error' | 'warn'>
  readonly telemetryPath: string
  /** Requests that read the counters at once; 0: no limit. */
  readonly maxRequests: number
  /** As parseAllowedHosts() gives them. */
  readonly allowedHosts: readonly string[]
  /** Who is let in; absent: everybody. */
  readonly access?: onRequestAsyncHookHandler | undefined
}

/** On every answer, as the OWASP Secure Headers Project has them for answers that load nothing. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'deny',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** The web server, apart from listening. It is read-only: nothing changes state over HTTP. */
export function createApp(options: AppOptions): FastifyInstance {
  const answerError = (error: FastifyError, _request: unknown, reply: FastifyReply) => {
    const status = error.statusCode ?? 500
    if (error instanceof BusyError) return reply.code(status).type('text/plain').send(`${error.message}\n`)
    if (status >= 500) options.log.error({ err: error }, 'cannot answer a request')
    // What went wrong inside stays inside.
    return reply
      .code(status)
      .type('text/plain')
      .send(status >= 500 ? 'internal error\n' : 'bad request\n')
  }
  const app = fastify({
    logger: false,
    frameworkErrors: (...args) => void answerError(...args),
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('not found\n'))
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders)
    const { contentSecurityPolicy } = request.routeOptions.config
    if (contentSecurityPolicy) reply.header('content-security-policy', contentSecurityPolicy)
    done()
  })
  app.addHook('onRequest', siteCheck(new AllowedHosts(options.allowedHosts), options.log))
  if (options.access) app.addHook('onRequest', options.access)
  app.addHook('onRequest', (request, reply, done) => {
    const { method, headers } = request
    if (method !== 'GET' && method !== 'HEAD') {
      void reply.code(405).header('allow', 'GET, HEAD').type('text/plain').send('method not allowed\n')
    } else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      // Nothing here reads a body. The connection goes with it, where it has no other streams.
      if (request.raw.httpVersionMajor < 2) reply.header('connection', 'close')
      void reply.code(413).type('text/plain').send('no body is wanted\n')
    } else {
      done()
    }
  })

  const rhythm = new ScrapeRhythm()
  const gate = new Gate(options.maxRequests)
  app.get(options.telemetryPath, async (request, reply) => {
    const format = negotiateFormat(request.headers.accept)
    const gzip = acceptsGzip(request.headers['accept-encoding'])
    reply.headers({ 'content-type': contentTypes[format], vary: 'accept, accept-encoding' })
    if (request.method === 'HEAD') return reply.send()
    return gate.pass(async () => {
      if (gzip) reply.header('content-encoding', 'gzip')
      // Before the hijack: what is wrong with a header still becomes an answer.
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      reply.hijack()
      const scraper = scraperOf(request)
      const zeroForMs = scraper && rhythm.visit(scraper)
      await sendPage(reply.raw, renderPage(options, format, zeroForMs), gzip)
    })
  })
  apiRoutes(app, options.counter, gate)
  pageRoutes(app, options.counter, gate, options.telemetryPath)
  manualRoutes(app)
  // The program is attached before the server listens, so whoever is answered finds it ready.
  app.get('/-/healthy', (_request, reply) => reply.type('text/plain').send('healthy\n'))
  app.get('/-/ready', (_request, reply) => reply.type('text/plain').send('ready\n'))
  return app
}
