import type { Reading } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import type { Format } from './format.js'
import { renderScrape } from './scrape.js'
import type { SelfMetrics } from './self-metrics.js'

export interface PageSource {
  readonly counter: { read(): Promise<Reading> }
  readonly selfMetrics: SelfMetrics
  readonly log: Pick<Logger, 'error'>
}

/**
 * The metric page, chunk by chunk: what the kernel counted, how this scrape went, the exporter itself.
 * If the kernel cannot be read, the rest still comes, with egress_scrape_success 0.
 */
export async function* renderPage(
  { counter, selfMetrics, log }: PageSource,
  format: Format,
): AsyncGenerator<Uint8Array> {
  const start = performance.now()
  let success = true
  try {
    const reading = await counter.read()
    yield* reading.render(format === 'openMetrics')
  } catch (error) {
    success = false
    log.error({ err: error }, 'cannot read the counters')
  }
  const durationSeconds = (performance.now() - start) / 1000
  yield Buffer.from(renderScrape({ success, durationSeconds }))
  // prom-client ends the OpenMetrics text with "# EOF".
  yield Buffer.from(await selfMetrics[format].metrics())
}
