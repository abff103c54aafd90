import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { eventually } from './support/await.js'
import { startExporter } from './support/exporter.js'
import { ethernetFrame, silentPair } from './support/network.js'
import { ipv4, ipv6 } from './support/packets.js'

interface QueryResult {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

t.test('a real Prometheus scrapes the page and answers with the right values', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const frames = [
    ...Array(23).fill(ethernetFrame('0800', ipv4({ to: '203.0.113.1' }))),
    ...Array(29).fill(ethernetFrame('86dd', ipv6({ to: '2001:db8:1::1' }))),
    ...Array(31).fill(ethernetFrame('0800', ipv4({ to: '192.168.1.1' }))),
  ]
  host.traffic('frames veth0', frames.join('\n'))

  const folder = t.testdir({
    'prometheus.yml': `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: egress
    static_configs: [{ targets: ['${new URL(exporter.url).host}'] }]
`,
  })
  const api = 'http://127.0.0.1:9090/api/v1'
  const [file, args] = host.command(
    'prometheus',
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    '--web.listen-address=127.0.0.1:9090',
    '--log.level=error',
  )
  const prometheus = spawn(file, args, { stdio: 'inherit' })
  t.teardown(async () => {
    prometheus.kill()
    await once(prometheus, 'exit')
  })
  const query = (expression: string): QueryResult =>
    JSON.parse(
      host.run(['curl', '--silent', '--get', '--data-urlencode', `query=${expression}`, `${api}/query`]),
    )
  const value = (expression: string) => query(expression).data.result.map((sample) => sample.value[1])

  await eventually(() => assert.deepEqual(value('up{job="egress"}'), ['1']))
  t.same(value('egress_packets_total{interface="veth0",destination="203.0.113.1"}'), ['23'])
  t.same(value('egress_packets_total{interface="veth0",destination="2001:db8:1::1"}'), ['29'])
  t.same(value('egress_unlisted_packets_total{interface="veth0",reason="excluded"}'), ['31'])
  // The closed sum, as a user writes it.
  t.same(
    value(
      'sum by (instance, interface) (egress_packets_total) + on (instance, interface) sum by (instance, interface) (egress_unlisted_packets_total) - on (instance, interface) egress_interface_packets_total',
    ),
    ['0'],
  )
  const [age] = value('time() - egress_destination_first_seen_timestamp_seconds{destination="203.0.113.1"}')
  t.ok(Number(age) > 0 && Number(age) < 60, `first seen ${age} s ago`)

  const { data } = JSON.parse(host.run(['curl', '--silent', `${api}/metadata?metric=egress_packets_total`]))
  // Prometheus asks for OpenMetrics, where the family has no suffix.
  const family = JSON.parse(host.run(['curl', '--silent', `${api}/metadata?metric=egress_packets`])).data
  t.equal((data['egress_packets_total'] ?? family['egress_packets'])[0].type, 'counter')
})
