import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter, total } from '../support/exporter.js'
import { ethernetFrame, silence, silentPair } from '../support/network.js'
import { ipv4, ipv6 } from '../support/packets.js'
import { startPrometheus } from '../support/prometheus.js'

t.test('a real Prometheus scrapes the page and answers with the right values', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const frames = [
    ...Array(23).fill(ethernetFrame('0800', ipv4({ to: '203.0.113.1' }))),
    ...Array(29).fill(ethernetFrame('86dd', ipv6({ to: '2001:db8:1::1' }))),
    ...Array(31).fill(ethernetFrame('0800', ipv4({ to: '192.168.1.1' }))),
  ]
  const before = Date.now() / 1000
  host.traffic('frames veth0', frames.join('\n'))

  const { query: value, get } = await startPrometheus(t, host, exporter.url)
  const seen = 'egress_packets_total{interface="veth0",destination="203.0.113.1"}'
  await eventually(() => assert.deepEqual(value(seen), ['23']))
  t.same(value(`min_over_time(${seen}[1h])`), ['0'], 'zero first')
  t.same(value('egress_packets_total{interface="veth0",destination="2001:db8:1::1"}'), ['29'])
  t.same(value('egress_unlisted_packets_total{interface="veth0",reason="excluded"}'), ['31'])
  // The closed sum, as a user writes it.
  t.same(
    value(
      'sum by (instance, interface) (egress_packets_total) + on (instance, interface) sum by (instance, interface) (egress_unlisted_packets_total) + on (instance, interface) egress_withheld_packets - on (instance, interface) egress_interface_packets_total',
    ),
    ['0'],
  )
  const [firstSeen] = value('egress_destination_first_seen_timestamp_seconds{destination="203.0.113.1"}')
  t.ok(
    Number(firstSeen) >= before - 0.01 && Number(firstSeen) <= Date.now() / 1000 + 0.01,
    `first seen at ${firstSeen}`,
  )

  const { data } = get('metadata?metric=egress_packets_total')
  // Prometheus asks for OpenMetrics, where the family has no suffix.
  const family = get('metadata?metric=egress_packets').data
  t.equal((data['egress_packets_total'] ?? family['egress_packets'])[0].type, 'counter')
})

t.test('a query that counts a packet once where devices lie on each other', async (t) => {
  const host = silentPair(t, 'eth0')
  // Else the bridge may send reports of its own, which are no part of what is counted here.
  host.ip('link add br0 type bridge mcast_snooping 0')
  host.ip('link set eth0 master br0')
  silence(host, 'br0')
  host.ip('link add link br0 name mac0 type macvlan mode bridge')
  silence(host, 'mac0')
  const exporter = await startExporter(t, host, '--interface=eth0', '--interface=br0', '--interface=mac0')
  host.traffic(
    'frames mac0',
    Array(23)
      .fill(ethernetFrame('0800', ipv4({ to: '203.0.113.1' })))
      .join('\n'),
  )
  host.traffic(
    'frames br0',
    Array(29)
      .fill(ethernetFrame('0800', ipv4({ to: '203.0.113.1' })))
      .join('\n'),
  )
  t.equal(
    total(await exporter.settled('eth0'), 'eth0').packets,
    23 + 29,
    'nothing else left by the lowest device',
  )
  const { query, get } = await startPrometheus(t, host, exporter.url)
  await eventually(() =>
    assert.deepEqual(query('sum(egress_packets_total)'), [String(23 * 3 + 29 * 2)], 'each device counts it'),
  )
  const page = readFileSync('docs/metrics.md', 'utf8')
  const [, once] = /```promql\n(sum by \(instance, destination\)[^`]*)```/.exec(page) ?? []
  t.ok(once, 'docs/metrics.md has the query')
  t.same(query(once ?? ''), [String(23 + 29)])
  const { data } = get(`query?query=${encodeURIComponent('egress_interface_info')}`)
  const places = data.result.map(({ metric }: { metric: Record<string, string> }) =>
    [metric['interface'], metric['kind'], metric['master'], metric['lower']].join(' '),
  )
  t.same(places.sort(), ['br0 bridge  ', 'eth0 veth br0 ', 'mac0 macvlan  br0'])
})
