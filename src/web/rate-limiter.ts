import type { RateLimit } from '../config/web-config/rate-limit.js'

/** A token bucket: one token each interval, and no more than a burst of them. */
export class RateLimiter {
  readonly #limit: RateLimit
  readonly #now: () => number
  #tokens: number
  #at: number

  /** @param now in ms */
  constructor(limit: RateLimit, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
    this.#tokens = limit.burst
    this.#at = now()
  }

  /** Takes a token if there is one. */
  allows(): boolean {
    const now = this.#now()
    const { intervalMs, burst } = this.#limit
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) / intervalMs)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Gives a token back that was taken in vain. */
  giveBack(): void {
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + 1)
  }
}
