import { chosen, dashboard, table, topDestinations, variable } from './parts.js'

const full = { width: 24, height: 10 }
const selected = `${chosen}, service="$service"`

/** One service, on every server that has it: needs --services. */
export const service = () =>
  dashboard(
    'egress-service',
    'Egress: one service',
    'Where a service sends its packets, and what of it is new.',
  )
    .withVariable(variable('service', 'Service', `label_values(egress_service_info{${chosen}}, service)`))
    .withPanel(topDestinations('bytes', selected, ['instance']))
    .withPanel(topDestinations('packets', selected, ['instance']))
    .withPanel(
      table(
        {
          title: 'Destinations',
          description:
            'The hundred that the service has sent most to since the counter began, and since when.',
          unit: 'short',
          size: full,
        },
        {
          bytes: `topk(100, egress_bytes_total{${selected}})`,
          packets: `egress_packets_total{${selected}} and topk(100, egress_bytes_total{${selected}})`,
          'first contact': `1000 * egress_destination_first_seen_timestamp_seconds{${selected}} and topk(100, egress_bytes_total{${selected}})`,
        },
        {
          hidden: ['service'],
          sortBy: 'bytes',
          units: { 'first contact': 'dateTimeAsIso', bytes: 'bytes' },
        },
      ),
    )
    .withPanel(
      table(
        {
          title: 'Where it runs',
          description: 'What is known of the service on each server.',
          unit: 'short',
          size: full,
        },
        { running: `egress_service_info{${selected}}` },
        { hidden: ['service', 'running'] },
      ),
    )
    .build()
