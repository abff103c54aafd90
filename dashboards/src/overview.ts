import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { chosen, dashboard, graph, stat, table, topDestinations } from './parts.js'

const small = { width: 6, height: 4 }
const half = { width: 12, height: 9 }
const full = { width: 24, height: 9 }

const news = `egress_destination_info{${chosen}, status="new"}`
const firstSeen = `egress_destination_first_seen_timestamp_seconds{${chosen}`
const each = 'job, instance, interface, destination'
/** Of the service that it is new for, where services are told apart. */
const firstContact = [
  `${firstSeen}, service!=""} * on (${each}, service) group_right () ${news}`,
  `min without (service) (${firstSeen}}) * on (${each}) group_right () ${news}`,
].join(' or ')

/** What counts where, so that nothing is missing. */
const accounting = (what: 'packets' | 'bytes', unit: string) =>
  graph(
    {
      title: `${what === 'packets' ? 'Packets' : 'Bytes'} by column`,
      description: `Destinations and the reasons for none: together they are all ${what} of the interfaces.`,
      unit,
      size: half,
    },
    [
      { expr: `sum(rate(egress_${what}_total{${chosen}}[$__rate_interval]))`, legend: 'destinations' },
      {
        expr: `sum by (reason) (rate(egress_unlisted_${what}_total{${chosen}}[$__rate_interval]))`,
        legend: '{{reason}}',
      },
    ],
    { stacked: true },
  )

/** Where servers send, what of it is new, and whether all is counted. */
export const overview = () =>
  dashboard('egress-overview', 'Egress: overview', 'Where servers send their packets, and what of it is new.')
    .withRow(new RowBuilder('New destinations'))
    .withPanel(
      stat(
        {
          title: 'Not acknowledged',
          description: 'New destinations that nobody has acknowledged.',
          unit: 'short',
          size: small,
        },
        `sum(egress_unacknowledged_destinations{${chosen}})`,
      ),
    )
    .withPanel(
      stat(
        {
          title: 'New in this time range',
          description: 'Destinations never seen before, after the baseline.',
          unit: 'short',
          size: small,
        },
        `round(sum(increase(egress_new_destinations_total{${chosen}}[$__range])))`,
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Destinations',
          description: 'Destinations in the tables now.',
          unit: 'short',
          size: small,
        },
        `sum(egress_destinations{${chosen}})`,
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Leaving now',
          description: 'Wire bytes by all interfaces; devices that lie on each other count twice.',
          unit: 'Bps',
          size: small,
        },
        `sum(rate(egress_interface_bytes_total{${chosen}}[$__rate_interval]))`,
      ),
    )
    .withPanel(
      table(
        {
          title: 'New destinations',
          description:
            'What nobody has acknowledged, with its first contact; see egress-exporter destinations ack.',
          unit: 'dateTimeAsIso',
          size: full,
        },
        {
          'first contact': `1000 * (${firstContact})`,
        },
        { hidden: ['status'], sortBy: 'first contact' },
      ),
    )
    .withRow(new RowBuilder('Top destinations'))
    .withPanel(topDestinations('bytes', chosen, ['instance', 'interface']))
    .withPanel(topDestinations('packets', chosen, ['instance', 'interface']))
    .withRow(new RowBuilder('Services'))
    .withPanel(
      graph(
        {
          title: 'Bytes by service',
          description: 'The ten services that send most wire bytes, where --services tells them apart.',
          unit: 'Bps',
          size: half,
        },
        [
          {
            expr: `topk(10, sum by (instance, service) (rate(egress_bytes_total{${chosen}, service!=""}[$__rate_interval])))`,
            legend: '{{instance}} {{service}}',
          },
        ],
        { linked: 'service' },
      ),
    )
    .withPanel(
      table(
        {
          title: 'Services',
          description:
            'What each service sends, its share of what its server sends, and to how many destinations.',
          unit: 'short',
          size: half,
        },
        {
          bytes: `sum by (instance, service) (rate(egress_bytes_total{${chosen}, service!=""}[$__rate_interval]))`,
          share: `sum by (instance, service) (rate(egress_bytes_total{${chosen}, service!=""}[$__rate_interval])) / on (instance) group_left () sum by (instance) (rate(egress_interface_bytes_total{${chosen}}[$__rate_interval]))`,
          destinations: `count by (instance, service) (egress_bytes_total{${chosen}, service!=""})`,
        },
        { sortBy: 'bytes', units: { bytes: 'Bps', share: 'percentunit' } },
      ),
    )
    .withRow(new RowBuilder('Accounting'))
    .withPanel(accounting('packets', 'pps'))
    .withPanel(accounting('bytes', 'Bps'))
    .withRow(new RowBuilder('Interfaces'))
    .withPanel(
      graph(
        { title: 'Bytes by interface', description: 'All wire bytes that left.', unit: 'Bps', size: half },
        [
          {
            expr: `rate(egress_interface_bytes_total{${chosen}}[$__rate_interval])`,
            legend: '{{instance}} {{interface}}',
          },
        ],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Packets by interface',
          description: 'All wire packets that left.',
          unit: 'pps',
          size: half,
        },
        [
          {
            expr: `rate(egress_interface_packets_total{${chosen}}[$__rate_interval])`,
            legend: '{{instance}} {{interface}}',
          },
        ],
      ),
    )
    .withRow(new RowBuilder('Fleet'))
    .withPanel(
      table(
        {
          title: 'Exporters',
          description:
            'What each server sends, how full its table is, and whether all its interfaces are counted on.',
          unit: 'short',
          size: full,
        },
        {
          bytes: `sum by (instance) (rate(egress_interface_bytes_total{${chosen}}[$__rate_interval]))`,
          destinations: `sum by (instance) (egress_destinations{${chosen}})`,
          'table full': `sum by (instance) (egress_destinations{${chosen}}) / sum by (instance) (egress_destinations_limit{${chosen}})`,
          'not acknowledged': `sum by (instance) (egress_unacknowledged_destinations{${chosen}})`,
          'interfaces attached': `min by (instance) (egress_interface_attached{${chosen}})`,
        },
        {
          sortBy: 'bytes',
          units: { bytes: 'Bps', 'table full': 'percentunit', 'interfaces attached': 'bool_yes_no' },
        },
      ),
    )
    .build()
