import t from 'tap'
import { negotiateFormat } from '../../src/exposition/format.js'

/** What scrapers really send. */
const headers: [who: string, accept: string | undefined, format: 'text' | 'openMetrics'][] = [
  [
    'Prometheus 2.37 to 2.48',
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openMetrics',
  ],
  [
    'Prometheus 2.49, whose last weight is invalid',
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=2',
    'openMetrics',
  ],
  [
    'Prometheus 3.0, which repeats a parameter',
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openMetrics',
  ],
  [
    'Prometheus 3.5 to 3.14',
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openMetrics',
  ],
  [
    'Prometheus with native histograms',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openMetrics',
  ],
  ['a scraper of text only', 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text'],
  ['curl', '*/*', 'text'],
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
  ['nothing', undefined, 'text'],
  ['text preferred', 'application/openmetrics-text;q=0.4,text/plain;q=0.9', 'text'],
  ['OpenMetrics refused', 'application/openmetrics-text;version=1.0.0;q=0', 'text'],
  ['an older OpenMetrics only', 'application/openmetrics-text;version=0.0.1', 'text'],
  ['OpenMetrics of any version, oddly written', ' APPLICATION/OpenMetrics-Text ; Q=0.5', 'openMetrics'],
  ['a weight that is no number', 'application/openmetrics-text;q=high', 'text'],
  ['garbage', ';;,,=;q=,/', 'text'],
]
for (const [who, accept, format] of headers) t.equal(negotiateFormat(accept), format, who)
