import { chosen, dashboard, graph, table, textBox } from './parts.js'

const half = { width: 12, height: 9 }
const full = { width: 24, height: 8 }
const selected = `${chosen}, destination="$destination"`
const legend = '{{instance}} {{interface}} {{service}}'

/** One destination, from every server that sends there. */
export const destination = () =>
  dashboard(
    'egress-destination',
    'Egress: one destination',
    'Which servers send to one destination, and since when.',
  )
    .withVariable(textBox('destination', 'Destination'))
    .withPanel(
      table(
        {
          title: 'Who sends there',
          description:
            'First contact of each server, and of each service where those are told apart; what it has sent since the counter began.',
          unit: 'short',
          size: full,
        },
        {
          'first contact': `1000 * egress_destination_first_seen_timestamp_seconds{${selected}}`,
          packets: `egress_packets_total{${selected}}`,
          bytes: `egress_bytes_total{${selected}}`,
        },
        {
          hidden: ['destination'],
          sortBy: 'first contact',
          units: { 'first contact': 'dateTimeAsIso', bytes: 'bytes' },
        },
      ),
    )
    .withPanel(
      graph({ title: 'Bytes', description: 'Wire bytes sent there.', unit: 'Bps', size: half }, [
        { expr: `rate(egress_bytes_total{${selected}}[$__rate_interval])`, legend },
      ]),
    )
    .withPanel(
      graph({ title: 'Packets', description: 'Wire packets sent there.', unit: 'pps', size: half }, [
        { expr: `rate(egress_packets_total{${selected}}[$__rate_interval])`, legend },
      ]),
    )
    .withPanel(
      graph(
        {
          title: 'TCP connections',
          description: 'Connections opened there, by the SYNs sent.',
          unit: 'cps',
          size: half,
        },
        [
          {
            expr: `rate(egress_tcp_connects_total{${selected}}[$__rate_interval])`,
            legend,
          },
        ],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'New and not acknowledged',
          description: '1 while the destination is new to a server and nobody has acknowledged it.',
          unit: 'short',
          size: half,
        },
        [
          {
            expr: `egress_destination_info{${selected}, status="new"}`,
            legend: '{{instance}} {{interface}} {{protocol}} {{port}} {{service}}',
          },
        ],
      ),
    )
    .build()
