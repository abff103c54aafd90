import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Logger } from '../log.js'
import type { AllowedHosts } from './allowed-hosts.js'
import { RateLimiter } from './rate-limiter.js'
import { socketOf } from './request-socket.js'

/** Names that were logged; each once, as long as there are few. */
const maxLogged = 100
/** Longer than names of hosts are, RFC 1035, section 2.3.4. */
const longestName = 255
const logLimit = { intervalMs: 60_000, burst: 5 }

interface Refusal {
  readonly status: number
  readonly words: string
}

/**
 * Keeps pages of other sites out, which a browser within reach would read us for: by the Host that a request is
 * for (DNS rebinding), and by the Origin of the page that asks.
 */
export function siteCheck(allowed: AllowedHosts, log: Pick<Logger, 'warn'>): onRequestHookHandler {
  const known = new Set<string>()
  const limiter = new RateLimiter(logLimit)
  /** Each scrape would say it again. */
  const logOnce = (host: string, client: string) => {
    const name = host.slice(0, longestName)
    if (known.has(name) || !limiter.allows()) return
    if (known.size >= maxLogged) known.clear()
    known.add(name)
    log.warn(
      { host: name, client },
      'refused requests for a host name that is not allowed: if it is yours, add it to --web.allowed-hosts',
    )
  }
  const refusalOf = (request: FastifyRequest): Refusal | undefined => {
    const hosts = hostsOf(request)
    // RFC 9112, section 3.2, and RFC 9113, section 8.3.1: they would leave open which one counts.
    if (hosts.length > 1) return { status: 400, words: 'bad request: more than one Host' }
    const host = targetOf(request) ?? hosts[0]
    // Only HTTP/1.0 can go without, and no browser speaks it.
    if (host !== undefined && !allowed.has(host) && isTcp(request)) {
      logOnce(host, request.ip)
      // RFC 9110, section 7.4: a request for what this server is not.
      return { status: 421, words: 'misdirected request: allow this host name with --web.allowed-hosts' }
    }
    const { origin } = request.headers
    if (origin === undefined || isSameSite(origin, host)) return undefined
    return { status: 403, words: 'forbidden: pages of other sites may not read this one' }
  }
  return (request, reply, done) => {
    const refusal = refusalOf(request)
    if (refusal) void reply.code(refusal.status).type('text/plain').send(`${refusal.words}\n`)
    else done()
  }
}

/** What a request says that it is for, in HTTP/2 by two names that have to agree. */
function hostsOf({ raw, headers }: FastifyRequest): string[] {
  const lines = raw.rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'host',
  )
  const authority = headers[':authority'] as string | undefined
  return authority === undefined || (lines.length === 1 && lines[0] === authority)
    ? lines
    : [authority, ...lines]
}

/** A target with a host of its own is what counts, RFC 9112, section 3.2.2. */
function targetOf({ raw }: FastifyRequest): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(raw.url ?? '')?.[1]
}

/** Whoever reaches a Unix socket has a right to; no browser can, and proxies write any name there. */
function isTcp(request: FastifyRequest): boolean {
  return socketOf(request.raw).remoteAddress !== undefined
}

/** Whether an Origin (RFC 6454, section 6.1) is where the request goes. The scheme is that of a proxy, where there is one. */
function isSameSite(origin: string, host: string | undefined): boolean {
  const [, authority] = /^https?:\/\/(.+)$/i.exec(origin) ?? []
  return authority !== undefined && authority.toLowerCase() === host?.toLowerCase()
}
