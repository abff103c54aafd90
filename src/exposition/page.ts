import type { Reading, View } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import type { Format } from './format.js'
import { renderScrape } from './scrape.js'
import type { SelfMetrics } from './self-metrics.js'

export interface PageSource {
  readonly counter: { read(view: View): Promise<Reading> }
  readonly selfMetrics: SelfMetrics
  readonly log: Pick<Logger, 'error'>
}

/**
 * The metric page, chunk by chunk: what the kernel counted, how this scrape went, the exporter itself.
 * If the kernel cannot be read, the rest still comes, with egress_scrape_success 0.
 *
 * The memory of a chunk is used again when the next is asked for.
 */
export async function* renderPage(
  { counter, selfMetrics, log }: PageSource,
  format: Format,
): AsyncGenerator<Uint8Array> {
  const start = performance.now()
  // The main thread renders the exporter's own metrics while another reads the counters.
  const [reading, own] = await Promise.allSettled([
    counter.read({ openMetrics: format === 'openMetrics' }),
    selfMetrics[format].metrics(),
  ])
  let success = true
  try {
    if (reading.status === 'rejected') throw reading.reason
    yield* reading.value.chunks
  } catch (error) {
    success = false
    log.error({ err: error }, 'cannot read the counters')
  }
  const durationSeconds = (performance.now() - start) / 1000
  const scrape = renderScrape({ success, durationSeconds })
  if (own.status === 'rejected') {
    log.error({ err: own.reason }, "cannot render the exporter's own metrics")
    throw own.reason
  }
  // prom-client ends the OpenMetrics text with "# EOF".
  yield Buffer.from(scrape + own.value)
}
