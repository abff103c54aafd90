/** How one scrape went. */
export interface ScrapeResult {
  readonly success: boolean
  /** From the start of the map read to the end of the rendering. */
  readonly durationSeconds: number
}

/**
 * The gauges about the scrape that carries them. Written by hand because they belong to one page:
 * a registry would show another scrape's figures to whoever scrapes at the same time.
 */
export function renderScrape({ success, durationSeconds }: ScrapeResult): string {
  return [
    gauge('egress_scrape_duration_seconds', 'Time that this map read and render took.', durationSeconds),
    gauge('egress_scrape_success', 'Whether this map read and render succeeded.', success ? 1 : 0),
  ].join('')
}

/** Gauges look the same in text 0.0.4 and OpenMetrics 1.0. */
function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
}
