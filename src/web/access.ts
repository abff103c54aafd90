import type { onRequestAsyncHookHandler } from 'fastify'
import { BasicAuth } from './basic-auth.js'
import { RateLimiter } from './rate-limiter.js'
import type { WebConfigFile } from './web-config-file.js'

/**
 * Lets requests in as the web configuration says, in the exporter-toolkit's order: a broken file stops
 * everybody, then the rate limit, then the password.
 */
export function access(webConfig: WebConfigFile): onRequestAsyncHookHandler {
  const { rateLimit } = webConfig.current.config
  const limiter = rateLimit && new RateLimiter(rateLimit)
  const auth = new BasicAuth()
  return async (request, reply) => {
    const refuse = (status: number, words: string) => reply.code(status).type('text/plain').send(`${words}\n`)
    const config = webConfig.validConfig()
    if (!config) return refuse(500, 'internal error')
    if (limiter && !limiter.allows()) return refuse(429, 'too many requests')
    const { headers, users } = config
    reply.headers(headers)
    if (users.size > 0 && !(await auth.allows(request.headers.authorization, users))) {
      reply.header('www-authenticate', 'Basic')
      return refuse(401, 'unauthorized')
    }
    return undefined
  }
}
