/** The text formats that are served; each has one content type. */
export const contentTypes = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const

export type Format = keyof typeof contentTypes

/**
 * Chooses the format by an Accept header (RFC 9110, section 12.5.1), as Prometheus needs it: a format
 * that is named beats a wildcard whatever their weights, since Prometheus 2.49 sent a wildcard with q=2 as its
 * last resort, and anything unknown gets text 0.0.4, which every scraper reads.
 */
export function negotiateFormat(accept: string | undefined): Format {
  let best: Format = 'text'
  let bestWeight = 0
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const format = formatOf(type, parameter(parameters, 'version'))
    const weight = Number(parameter(parameters, 'q') ?? 1)
    if (format && weight > bestWeight) {
      best = format
      bestWeight = weight
    }
  }
  return best
}

/** Whether an Accept-Encoding header (RFC 9110, section 12.5.3) names gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name, ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase())
    return name === 'gzip' && Number(parameter(parameters, 'q') ?? 1) > 0
  })
}

function formatOf(type: string, version: string | undefined): Format | undefined {
  if (type === 'application/openmetrics-text' && (version ?? '1.0.0') === '1.0.0') return 'openMetrics'
  if (type === 'text/plain' && (version ?? '0.0.4') === '0.0.4') return 'text'
  return undefined
}

/** The first value of a parameter; Prometheus 3.0 sent some twice. */
function parameter(parameters: readonly string[], name: string): string | undefined {
  return parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1)
}
