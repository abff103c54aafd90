import type { Reading, View } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'
import type { Format } from './format.js'
import { renderScrape } from './scrape.js'
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

/** A part of a page: what is to be sent together, in order. */
export interface PagePart {
  readonly pieces: readonly Uint8Array[]
  /** Whether none comes after it. */
  readonly last: boolean
}

/**
 * The metric page, part by part: what the kernel counted, how this scrape went, the exporter itself.
 * If the kernel cannot be read, the rest still comes, with egress_scrape_success 0.
 *
 * The memory of a part is used again when the next is asked for.
 *
 * @param zeroForMs see View; absent for people, to whom counters show what they are
 */
export async function* renderPage(
  { counter, selfMetrics, log }: PageSource,
  format: Format,
  zeroForMs?: number,
): AsyncGenerator<PagePart, void> {
  const start = performance.now()
  let success = true
  const fail = (error: unknown) => {
    success = false
    log.error({ err: error }, 'cannot read the counters')
  }
  await counter.catchUp().catch(fail)
  const read = counter
    .read({ openMetrics: format === 'openMetrics', ...(zeroForMs !== undefined && { zeroForMs }) })
    .catch(fail)
  // While a worker reads. They come last, since prom-client ends OpenMetrics with "# EOF".
  const own = selfMetrics[format].metrics()
  own.catch((error: unknown) => log.error({ err: error }, "cannot render the exporter's own metrics"))
  const end = async () => {
    const durationSeconds = (performance.now() - start) / 1000
    return Buffer.from(renderScrape({ success, durationSeconds, zeroForMs }) + (await own))
  }
  const reading = await read
  let ended = false
  try {
    for await (const { bytes, last } of reading?.chunks ?? []) {
      ended = last
      yield { pieces: last ? [bytes, await end()] : [bytes], last }
    }
  } catch (error) {
    if (ended) throw error
    fail(error)
  }
  if (!ended) yield { pieces: [await end()], last: true }
}
