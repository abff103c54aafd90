import type { onRequestAsyncHookHandler } from 'fastify'
import type { AuthenticationFailures } from '../exposition/web.js'
import type { Logger } from '../log.js'
import { BasicAuth } from './basic-auth.js'
import { RateLimiter } from './rate-limiter.js'
import { socketOf } from './request-socket.js'
import type { WebConfigFile } from './web-config-file.js'

const logLimit = { intervalMs: 60_000, burst: 5 }

/** Who is let in. */
export interface Access {
  readonly onRequest: onRequestAsyncHookHandler
  readonly failures: AuthenticationFailures
}

/**
 * Lets requests in as the web configuration says, in the exporter-toolkit's order: a broken file stops
 * everybody, then the rate limit, then the password.
 */
export function access(webConfig: WebConfigFile, log: Pick<Logger, 'warn'>): Access {
  const { rateLimit } = webConfig.current.config
  const limiter = rateLimit && new RateLimiter(rateLimit)
  const logLimiter = new RateLimiter(logLimit)
  const auth = new BasicAuth()
  const failures = { wrong: 0, throttled: 0 }
  const count = (reason: keyof AuthenticationFailures, client = 'unix') => {
    failures[reason]++
    // Not the name: somebody may have written a password there.
    if (logLimiter.allows()) log.warn({ client, ...failures }, 'refused a wrong user name or password')
  }
  const onRequest: onRequestAsyncHookHandler = async (request, reply) => {
    const refuse = (status: number, words: string) => reply.code(status).type('text/plain').send(`${words}\n`)
    const config = webConfig.validConfig()
    if (!config) return refuse(500, 'internal error')
    if (limiter && !limiter.allows()) return refuse(429, 'too many requests')
    const { headers, users } = config
    reply.headers(headers)
    if (users.size === 0) return undefined
    const { remoteAddress } = socketOf(request.raw)
    const verdict = await auth.judge(request.headers.authorization, users, remoteAddress)
    if (verdict === 'allowed') return undefined
    if (verdict !== 'unknown') count(verdict, remoteAddress)
    if (verdict === 'throttled') {
      reply.header('retry-after', '10')
      return refuse(429, 'too many wrong passwords: wait ten seconds')
    }
    reply.header('www-authenticate', 'Basic')
    return refuse(401, 'unauthorized')
  }
  return { onRequest, failures }
}
