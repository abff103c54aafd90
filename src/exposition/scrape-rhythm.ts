/** Whoever scrapes, as far as requests tell scrapers apart. */
export interface Scraper {
  readonly name: string
  /** How long it waits for a page: its interval is not shorter. */
  readonly timeoutMs: number
}

interface Visits {
  lastMs: number
  timeoutMs: number
  /** Between the last visits. */
  readonly gapsMs: number[]
}

/** Of one that came once: Prometheus' own default. */
const unknownIntervalMs = 60_000
/** Whoever comes less often sees series go stale between two scrapes: 5 minutes is Prometheus' lookback. */
const longestIntervalMs = 300_000
const forgottenAfterMs = 3_600_000
const mostScrapers = 64
const mostGaps = 8

/**
 * Measures how often scrapers come, to say how long a destination shows 0 at first: long enough that each
 * sees it. What it says may be wrong, where several look like one: a first burst is missed then. It cannot
 * make a counter fall, which native/zero_first.h sees to.
 */
export class ScrapeRhythm {
  readonly #nowMs: () => number
  /** By name; who came last is last. */
  readonly #scrapers = new Map<string, Visits>()

  /** @param nowMs a clock that never jumps */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /**
   * Notes a scrape.
   *
   * @returns for how long destinations are to show 0, in ms: the interval of the slowest scraper, with half
   *   as much and a second for scrapes that come late
   */
  visit({ name, timeoutMs }: Scraper): number {
    const nowMs = this.#nowMs()
    const { lastMs = nowMs, gapsMs = [] } = this.#scrapers.get(name) ?? {}
    if (this.#scrapers.delete(name)) gapsMs.push(nowMs - lastMs)
    if (gapsMs.length > mostGaps) gapsMs.shift()
    this.#scrapers.set(name, { lastMs: nowMs, timeoutMs, gapsMs })
    for (const [other, { lastMs }] of this.#scrapers) {
      if (this.#scrapers.size <= mostScrapers && nowMs - lastMs <= forgottenAfterMs) break
      this.#scrapers.delete(other)
    }
    const slowestMs = Math.max(...[...this.#scrapers.values()].map(interval))
    return slowestMs * 1.5 + 1_000
  }
}

function interval({ timeoutMs, gapsMs }: Visits): number {
  const longest = gapsMs.toSorted((a, b) => b - a)
  // The very longest may be a break, or a restart.
  const usual = longest[longest.length < 4 ? 0 : 1] ?? unknownIntervalMs
  return Math.min(Math.max(usual, timeoutMs), longestIntervalMs)
}
