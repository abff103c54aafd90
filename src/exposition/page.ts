import type { Reading, View } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import type { Format } from './format.js'
import { renderScrape } from './scrape.js'
import type { Scrape } from './scrapers.js'
import type { SelfMetrics } from './self-metrics.js'

export interface PageSource {
  readonly counter: {
    /** Sees to it that what the next reading shows is remembered. */
    catchUp(): Promise<void>
    read(view: View): Promise<Reading>
  }
  readonly selfMetrics: SelfMetrics
  readonly log: Pick<Logger, 'error'>
}

/**
 * The metric page, chunk by chunk: what the kernel counted, how this scrape went, the exporter itself.
 * If the kernel cannot be read, the rest still comes, with egress_scrape_success 0.
 *
 * The memory of a chunk is used again when the next is asked for.
 *
 * @returns when the counters were read, CLOCK_MONOTONIC
 */
export async function* renderPage(
  { counter, selfMetrics, log }: PageSource,
  format: Format,
  scrape?: Scrape,
): AsyncGenerator<Uint8Array, bigint | undefined> {
  const start = performance.now()
  let success = true
  const fail = (error: unknown) => {
    success = false
    log.error({ err: error }, 'cannot read the counters')
  }
  let readNs: bigint | undefined
  await counter.catchUp().catch(fail)
  const read = counter
    .read({ openMetrics: format === 'openMetrics', ...(scrape && { zeroAfterNs: scrape.zeroAfterNs }) })
    .catch(fail)
  // While a worker reads. They come last, since prom-client ends OpenMetrics with "# EOF".
  const own = selfMetrics[format].metrics()
  own.catch((error: unknown) => log.error({ err: error }, "cannot render the exporter's own metrics"))
  const reading = await read
  try {
    if (reading) yield* reading.chunks
    readNs = reading?.readNs
  } catch (error) {
    fail(error)
  }
  const durationSeconds = (performance.now() - start) / 1000
  const result = renderScrape({ success, durationSeconds })
  yield Buffer.from(result + (await own))
  return readNs
}
