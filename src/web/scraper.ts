import type { FastifyRequest } from 'fastify'
import type { Scraper } from '../exposition/scrape-rhythm.js'

/** Longer than names that clients have. */
const longestName = 256

/**
 * Who scrapes: Prometheus and its kin say how long they wait. Undefined for people, and for agents that do
 * not say so.
 */
export function scraperOf({ ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): Scraper | undefined {
  const timeout = headers['x-prometheus-scrape-timeout-seconds']
  if (timeout === undefined) return undefined
  // Connections tell nothing: behind a proxy, or after a break, a scraper comes by several.
  const name = [ip, timeout, headers['user-agent'], headers['x-forwarded-for']].join(' ')
  const seconds = Number(timeout)
  return { name: name.slice(0, longestName), timeoutMs: seconds > 0 ? seconds * 1000 : 0 }
}
