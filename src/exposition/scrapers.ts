/** One scrape by a scraper that comes again. */
export interface Scrape {
  /** What came later (CLOCK_MONOTONIC) is to be shown as 0, so that its first burst is an increase. */
  readonly zeroAfterNs: bigint
  /** To be called when the scraper has got the whole page, with the time of its reading. */
  done(readNs: bigint): void
}

/** What tells scrapers apart. */
export interface Connection {
  readonly remoteAddress?: string | undefined
  readonly destroyed: boolean
}

interface Scraper {
  readonly address: string
  connection: Connection
  seenNs: bigint
}

/** Longer than people's scrape intervals: what came since is news to whoever comes for the first time. */
const firstWindowNs = 120_000_000_000n
/** Scrapers that are told apart. */
const most = 64

/**
 * Remembers until when each scraper has seen the counters. Two on one host are told apart by their
 * connections, which Prometheus keeps open.
 *
 * In doubt a scraper is taken for one that has seen more: it may miss a first burst, but never sees a
 * counter fall.
 */
export class Scrapers {
  readonly #now: () => bigint
  readonly #startNs: bigint
  readonly #scrapers = new Set<Scraper>()
  /** What forgotten ones had seen. */
  #forgottenNs = 0n

  /** @param now CLOCK_MONOTONIC, in ns */
  constructor(now: () => bigint = () => process.hrtime.bigint()) {
    this.#now = now
    this.#startNs = now()
  }

  begin(connection: Connection): Scrape {
    const scraper = this.#find(connection)
    return {
      zeroAfterNs: scraper.seenNs,
      done: (readNs) => {
        if (readNs > scraper.seenNs) scraper.seenNs = readNs
      },
    }
  }

  #find(connection: Connection): Scraper {
    const address = connection.remoteAddress ?? ''
    const here = [...this.#scrapers].filter((scraper) => scraper.address === address)
    const same = here.find((scraper) => scraper.connection === connection)
    if (same) return same
    const [latest] = here
      .filter((scraper) => scraper.connection.destroyed)
      .sort((a, b) => (a.seenNs > b.seenNs ? -1 : 1))
    if (latest) {
      latest.connection = connection
      return latest
    }
    return this.#add({ address, connection, seenNs: this.#firstView() })
  }

  #firstView(): bigint {
    const candidates = [this.#startNs, this.#now() - firstWindowNs, this.#forgottenNs]
    return candidates.reduce((latest, ns) => (ns > latest ? ns : latest))
  }

  #add(scraper: Scraper): Scraper {
    const [oldest] = this.#scrapers
    if (oldest && this.#scrapers.size >= most) {
      this.#scrapers.delete(oldest)
      if (oldest.seenNs > this.#forgottenNs) this.#forgottenNs = oldest.seenNs
    }
    this.#scrapers.add(scraper)
    return scraper
  }
}
