import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { configFile } from '../../support/config-file.js'
import {
  closedSum,
  destination,
  type RunningExporter,
  startExporter,
  total,
  unlisted,
} from '../../support/exporter.js'
import { ethernetFrame, silentPair } from '../../support/network.js'
import { framesTo, ipv4 } from '../../support/packets.js'
import { temporaryFolder } from '../../support/memory.js'

const frameTo = (to: string) => ethernetFrame('0800', ipv4({ to }))
const frameBytes = frameTo('203.0.113.1').length / 2
const frames = (count: number, to = '203.0.113.1') => framesTo(to, count)
const retired = (exporter: RunningExporter, cause: string) =>
  exporter.samples().get(`egress_destinations_retired_total{cause="${cause}"}`) ?? 0

t.test('what is idle leaves the table and the page, and its counts move to expired', async (t) => {
  const host = silentPair(t, 'lan0')
  const config = configFile(t, 'destinations.idle-timeout: 1h')
  const exporter = await startExporter(t, host, '--interface=lan0', config.flag)
  host.traffic('frames lan0', frames(23))
  t.equal(destination(exporter.samples(), '203.0.113.1', 'lan0').packets, 23)
  await config.change(exporter, 'destinations.idle-timeout: 1s')
  await eventually(() => assert.equal(retired(exporter, 'idle'), 1))
  const samples = exporter.samples()
  t.same(destination(samples, '203.0.113.1', 'lan0'), {})
  t.same(unlisted(samples, 'expired', 'lan0'), { packets: 23, bytes: 23 * frameBytes })
  t.equal(samples.get('egress_destinations{interface="lan0"}'), 0)
  t.same(closedSum(samples, 'lan0'), total(samples, 'lan0'))

  await config.change(exporter, 'destinations.idle-timeout: 1h')
  host.traffic('frames lan0', frames(29))
  t.equal(destination(exporter.samples(), '203.0.113.1', 'lan0').packets, 29, 'it may come back')
})

t.test('no packet is lost or doubled when traffic comes as its destination expires', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--destinations.idle-timeout=1s')
  let before = 0
  // Pauses about as long as the timeout, so that expiry and traffic meet, now the one first, now the other.
  for (let round = 0; round < 12; round++) {
    host.traffic('frames lan0', [1, 2, 3].map((last) => frames(7, `203.0.113.${last}`)).join('\n'))
    const samples = exporter.samples()
    const sum = closedSum(samples, 'lan0').packets
    t.ok(sum >= before && sum === total(samples, 'lan0').packets, `${sum} packets in round ${round}`)
    before = sum
    await sleep(1_000 + Math.random() * 1_000)
  }
  t.ok(retired(exporter, 'idle') >= 6, `${retired(exporter, 'idle')} expiries`)
  const samples = await exporter.settled('lan0')
  t.same(closedSum(samples, 'lan0'), host.sent('lan0'))
  t.equal(total(samples, 'lan0').packets, 12 * 3 * 7)
})

for (const limit of [1, 2, 9]) {
  t.test(`a table of ${limit} makes room too`, async (t) => {
    const host = silentPair(t, 'lan0')
    const exporter = await startExporter(t, host, '--interface=lan0', `--destinations.limit=${limit}`)
    for (let last = 1; last <= limit; last++) host.traffic('frames lan0', frames(7, `203.0.113.${last}`))
    await eventually(() => assert.ok(retired(exporter, 'room') >= 1))
    const before = exporter.samples()
    host.traffic('frames lan0', frames(11, '203.0.113.99'))
    const samples = exporter.samples()
    // It may have left again, to keep one place free.
    const { packets = 0 } = unlisted(samples, 'expired', 'lan0')
    const gone = packets - (unlisted(before, 'expired', 'lan0').packets ?? 0)
    const { packets: listed = gone } = destination(samples, '203.0.113.99', 'lan0')
    t.ok(listed >= 11, `${listed} packets found room`)
    t.equal(unlisted(samples, 'overflow', 'lan0').packets, unlisted(before, 'overflow', 'lan0').packets)
    t.same(closedSum(samples, 'lan0'), total(samples, 'lan0'))
  })
}

t.test('as the table fills, those that are idle longest leave first', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--destinations.limit=100')
  host.traffic(
    'frames lan0',
    Array.from({ length: 50 }, (_, index) => frameTo(`203.0.113.${index}`)).join('\n'),
  )
  const tracked = () => exporter.samples().get('egress_destinations{interface="lan0"}')
  t.equal(tracked(), 50)
  // Until they are known, which the others are later.
  const list = `${new URL(exporter.url).origin}/api/v1/destinations?limit=50`
  await eventually(() => {
    const { destinations } = JSON.parse(exporter.get(list)) as {
      destinations: { first_seen: string; last_seen: string }[]
    }
    for (const { first_seen: first, last_seen: last } of destinations) assert.ok(last > first)
  })
  host.traffic(
    'frames lan0',
    Array.from({ length: 50 }, (_, index) => frameTo(`203.0.113.${100 + index}`)).join('\n'),
  )
  await eventually(() => assert.equal(retired(exporter, 'room'), 10))
  const samples = exporter.samples()
  t.equal(tracked(), 90)
  const young = Array.from(
    { length: 50 },
    (_, index) => destination(samples, `203.0.113.${100 + index}`, 'lan0').packets,
  )
  t.same(young, Array(50).fill(1), 'the younger ones stay')
  t.equal(unlisted(samples, 'expired', 'lan0').packets, 10)
  t.equal(unlisted(samples, 'overflow', 'lan0').packets, 0)
  t.same(closedSum(samples, 'lan0'), host.sent('lan0'))
})

t.test('a full table is a warning and a metric', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--destinations.limit=9')
  t.equal(exporter.samples().get('egress_destinations_full'), 0)
  host.traffic(
    'frames lan0',
    Array.from({ length: 20 }, (_, index) => frameTo(`203.0.113.${index}`)).join('\n'),
  )
  await eventually(() =>
    assert.match(
      exporter.log().join('\n'),
      /level=warn msg="the table is full: .* raise --destinations.limit.*" overflow_packets=11 limit=9/,
    ),
  )
  await eventually(() => assert.equal(exporter.samples().get('egress_destinations_full'), 0))
})

t.test('a million destinations through a table of 65,536: all accounted for, memory flat', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', `--storage.path=${temporaryFolder(t)}`)
  const residentMiB = () => (exporter.samples().get('process_resident_memory_bytes') ?? 0) / 2 ** 20
  host.traffic('spray-frames lan0 100003')
  await exporter.settled('lan0')
  const before = residentMiB()
  host.traffic('spray-frames lan0 1000003')
  const samples = await exporter.settled('lan0')
  t.equal(total(samples, 'lan0').packets, 1_000_003 + 100_003)
  t.same(closedSum(samples, 'lan0'), host.sent('lan0'))
  t.ok((samples.get('egress_destinations{interface="lan0"}') ?? 0) <= 65_536)
  t.ok((unlisted(samples, 'expired', 'lan0').packets ?? 0) > 0)
  const grown = residentMiB() - before
  t.ok(grown < 32, `${grown} MiB more, where 900,000 records would take 58`)
})
