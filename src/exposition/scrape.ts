/** How one scrape went. */
export interface ScrapeResult {
  readonly success: boolean
  /** From the start of the map read to the end of the rendering. */
  readonly durationSeconds: number
  /** For how long destinations show 0 at first; undefined on a page for people. */
  readonly zeroForMs: number | undefined
}

/**
 * The gauges about the scrape that carries them. Written by hand because they belong to one page:
 * a registry would show another scrape's figures to whoever scrapes at the same time.
 */
export function renderScrape({ success, durationSeconds, zeroForMs }: ScrapeResult): string {
  const zeroForHelp = 'How long the counters of a destination are 0, from the first page on that has it.'
  return [
    gauge('egress_scrape_duration_seconds', 'Time that this map read and render took.', durationSeconds),
    gauge('egress_scrape_success', 'Whether this map read and render succeeded.', success ? 1 : 0),
    zeroForMs === undefined ? '' : gauge('egress_zero_first_seconds', zeroForHelp, zeroForMs / 1000),
  ].join('')
}

/** Gauges look the same in text 0.0.4 and OpenMetrics 1.0. */
function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
}
