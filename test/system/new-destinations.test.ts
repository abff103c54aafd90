import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import t from 'tap'
import { Store } from '../../src/memory/store.js'
import { eventually } from '../support/await.js'
import { program, type RunningExporter, startExporter } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { type Namespace, silence, silentPair } from '../support/network.js'
import { framesTo } from '../support/packets.js'
import { startPrometheus } from '../support/prometheus.js'

type Test = Parameters<typeof silentPair>[0]

const send = (host: Namespace, to: string, packets: number) =>
  host.traffic('frames veth0', framesTo(to, packets))

/** Two hosts that a Prometheus on the first can reach; what they send by veth0 is counted. */
function twoHosts(t: Test): [Namespace, Namespace] {
  const hosts = [silentPair(t, 'veth0'), silentPair(t, 'veth0')] as [Namespace, Namespace]
  hosts[0].ip(`link add manage type veth peer name manage netns ${hosts[1].name}`)
  for (const [index, host] of hosts.entries()) {
    silence(host, 'manage')
    host.ip(`addr add 192.0.2.${index + 1}/24 dev manage`)
  }
  return hosts
}

t.test(
  'the alert fires on the right host, resolves when acknowledged, and comes back for nothing else',
  async (t) => {
    const hosts = twoHosts(t)
    const memories = hosts.map(() => temporaryFolder(t))
    const pins = hosts.map((host) => `/sys/fs/bpf/${host.name}`)
    t.teardown(() =>
      hosts.forEach((host, i) => rmSync(pins[i] ?? host.name, { recursive: true, force: true })),
    )
    const start = (i: 0 | 1) =>
      startExporter(
        t,
        hosts[i],
        '--interface=veth0',
        `--web.listen-address=192.0.2.${i + 1}:10191`,
        `--storage.path=${memories[i]}`,
        `--bpf.pin-path=${pins[i]}`,
        '--baseline.period=8s',
        '--poll.interval=1s',
      )
    // Both hosts talk to 203.0.113.1 while they learn, and only the second to 203.0.113.2.
    const learn = async (i: 0 | 1, ...destinations: string[]) => {
      const exporter = await start(i)
      for (const destination of destinations) send(hosts[i], destination, 3)
      return exporter
    }
    const exporters: [RunningExporter, RunningExporter] = [
      await learn(0, '203.0.113.1'),
      await learn(1, '203.0.113.1', '203.0.113.2'),
    ]
    const prometheus = await startPrometheus(t, hosts[0], exporters[0].url, exporters[1].url)
    const firing = () =>
      (prometheus.get('alerts').data['alerts'] as { state: string; labels: Record<string, string> }[])
        .filter(({ state, labels }) => state === 'firing' && labels['alertname'] === 'EgressNewDestination')
        .map(
          ({ labels }) =>
            `${labels['instance']} ${labels['destination']} ${labels['protocol']} ${labels['port']}`,
        )
    /** What fires once exporters have been scraped and rules evaluated for some seconds more. */
    const settledFiring = async () => {
      const from = Date.now() + 3_000
      await eventually(() => {
        const { groups } = prometheus.get('rules').data as {
          groups: { name: string; lastEvaluation: string }[]
        }
        const alerts = groups.find(({ name }) => name === 'egress.alerts')
        assert.ok(alerts && Date.parse(alerts.lastEvaluation) > from)
      })
      return firing()
    }

    await eventually(() =>
      assert.deepEqual(prometheus.query('egress_baseline_end_timestamp_seconds < time()').length, 2),
    )
    t.same(await settledFiring(), [], 'what was learned is not announced')

    for (const host of hosts) send(host, '203.0.113.2', 5)
    const began = Date.now()
    await eventually(() => assert.deepEqual(firing(), ['192.0.2.1:10191 203.0.113.2 udp 53']))
    // On a slow machine scrapes and evaluations are as late as everything else.
    const seconds = Math.ceil((Date.now() - began) / 1000)
    const [scrapes] = prometheus.query(`count_over_time(up{instance="192.0.2.1:10191"}[${seconds}s])`)
    t.ok(Number(scrapes) < 60, `it fires within a minute: after ${scrapes} scrapes, one a second`)

    const [node, ...main] = program
    execFileSync(node, [...main, ...['destinations', 'ack', '203.0.113.2', `--storage.path=${memories[0]}`]])
    await eventually(() => assert.deepEqual(firing(), []))

    // A restart, a kill, and a reboot, after which the kernel's table is empty.
    await exporters[0].stop()
    exporters[0] = await start(0)
    for (const host of hosts) send(host, '203.0.113.2', 7)
    t.same(await settledFiring(), [], 'after a restart')
    await exporters[0].kill()
    exporters[0] = await start(0)
    for (const host of hosts) send(host, '203.0.113.2', 11)
    t.same(await settledFiring(), [], 'after a kill')
    await exporters[0].stop()
    rmSync(pins[0] ?? '', { recursive: true })
    exporters[0] = await start(0)
    for (const host of hosts) send(host, '203.0.113.2', 13)
    t.same(await settledFiring(), [], 'after a reboot')
    t.equal(
      exporters[0].samples().get('egress_packets_total{interface="veth0",destination="203.0.113.2"}'),
      13,
    )
    send(hosts[1], '203.0.113.3', 1)
    await eventually(() => assert.deepEqual(firing(), ['192.0.2.2:10191 203.0.113.3 udp 53']))
  },
)

t.test('a first burst is an increase, whenever it comes', async (t) => {
  const host = silentPair(t, 'veth0')
  const pins = `/sys/fs/bpf/${host.name}`
  t.teardown(() => rmSync(pins, { recursive: true, force: true }))
  const flags = ['--interface=veth0', `--bpf.pin-path=${pins}`, '--web.listen-address=127.0.0.1:10191']
  let exporter = await startExporter(t, host, ...flags)
  send(host, '203.0.113.1', 19)
  const prometheus = await startPrometheus(t, host, exporter.url)
  send(host, '203.0.113.2', 23)
  const burst = (destination: string) => {
    const series = `egress_packets_total{destination="${destination}"}[1h]`
    return prometheus.query(`max_over_time(${series}) - min_over_time(${series})`)
  }
  await eventually(() => assert.deepEqual(burst('203.0.113.2'), ['23']))
  t.same(burst('203.0.113.1'), ['19'], 'before the first scrape, after the start')

  await exporter.stop()
  send(host, '203.0.113.1', 29)
  exporter = await startExporter(t, host, ...flags)
  send(host, '203.0.113.3', 31)
  await eventually(() => assert.deepEqual(burst('203.0.113.3'), ['31']))
  await eventually(() => assert.deepEqual(burst('203.0.113.1'), ['48']))
  for (const destination of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
    t.same(prometheus.query(`resets(egress_packets_total{destination="${destination}"}[1h])`), ['0'])
  }
  // People, who ask once, see what was counted.
  send(host, '203.0.113.4', 37)
  t.equal(exporter.samples().get('egress_packets_total{interface="veth0",destination="203.0.113.4"}'), 37)
})

t.test('what pins have counted is learned again by a new memory, with its first contact', async (t) => {
  const host = silentPair(t, 'veth0')
  const pins = `/sys/fs/bpf/${host.name}`
  t.teardown(() => rmSync(pins, { recursive: true, force: true }))
  const flags = (folder: string) => [
    '--interface=veth0',
    `--bpf.pin-path=${pins}`,
    `--storage.path=${folder}`,
  ]
  const series =
    'egress_destination_first_seen_timestamp_seconds{interface="veth0",destination="203.0.113.1"}'
  const before = await startExporter(t, host, ...flags(temporaryFolder(t)))
  send(host, '203.0.113.1', 19)
  const firstSeen = before.samples().get(series)
  await before.stop()
  send(host, '203.0.113.1', 23)
  const memory = temporaryFolder(t)
  const after = await startExporter(t, host, ...flags(memory))
  t.equal(after.samples().get(series), firstSeen)
  await after.stop()
  const store = new Store(memory)
  t.match(store.get('veth0', '203.0.113.1'), {
    packets: 42,
    firstSeenMs: Math.round((firstSeen ?? 0) * 1000),
  })
  store.close()
})
