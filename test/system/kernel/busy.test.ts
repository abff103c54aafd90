import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
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
import { bpftool, findMap } from '../../support/maps.js'
import { addresses, createNetwork, type Namespace } from '../../support/network.js'
import { pinFolder } from '../../support/pins.js'

const to = addresses.peer.v4
/** The first processor, and the last. */
const processors = [0, availableParallelism() - 1]

/** What a place of the kernel's `cpu_counts` has, by CPU. */
function countsByCpu(exporter: RunningExporter, place: number): number[] {
  const key = [place & 255, place >> 8, 0, 0].map(String)
  const id = findMap(exporter.child.pid ?? 0, 'cpu_counts')
  const { values } = bpftool('map', 'lookup', 'id', id, 'key', ...key)
  // Packets are the first eight bytes.
  return values.map(({ value }: { value: string[] }) =>
    Number(Buffer.from(value.map(Number)).readBigUInt64LE()),
  )
}

/** Sends from two processors at once, so many from each; checks meanwhile that no counter falls. */
async function flood(
  t: Parameters<typeof createNetwork>[0],
  host: Namespace,
  exporter: RunningExporter,
  count: number,
) {
  const senders = await Promise.all(
    processors.map((cpu) => host.startTraffic(t, `burst ${to} 443 ${count} ${cpu}`)),
  )
  let done = false
  const ended = Promise.all(senders.map(({ ended }) => ended)).then(() => (done = true))
  let before = 0
  while (!done) {
    const { packets = 0 } = destination(exporter.page(), to)
    assert.ok(packets >= before, `${packets} after ${before}`)
    before = packets
    await new Promise((resolve) => setImmediate(resolve))
  }
  await ended
}

t.test('a destination that is busy counts on each CPU for itself, exactly', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  const config = configFile(t, 'destinations.idle-timeout: 1h')
  const exporter = await startExporter(t, host, '--interface=veth0', config.flag)
  network.up()
  host.traffic(`udp ${to} 443 23 100`)
  await exporter.settled()
  t.same(
    countsByCpu(exporter, 1),
    countsByCpu(exporter, 1).map(() => 0),
    'a quiet one does not',
  )

  let sent = 23
  const places = () => countsByCpu(exporter, 1)
  // Until a look at the table has found it busy.
  for (let round = 0; round < 5 && places().every((packets) => packets === 0); round++) {
    await flood(t, host, exporter, 100_003)
    sent += 2 * 100_003
  }
  t.ok(places().some((packets) => packets > 0))
  await flood(t, host, exporter, 30_011)
  sent += 2 * 30_011
  for (const cpu of processors) t.ok((places()[cpu] ?? 0) >= 30_011, `CPU ${cpu}`)
  const samples = await exporter.settled()
  t.equal(destination(samples, to).packets, sent)
  t.same(closedSum(samples), total(samples))
  const inPlaces = places().reduce((sum, packets) => sum + packets)
  t.ok(inPlaces > 0 && inPlaces < sent, `${inPlaces} of ${sent}`)

  const all = destination(samples, to)
  await config.change(exporter, 'destinations.idle-timeout: 1s')
  await eventually(() => assert.deepEqual(destination(exporter.samples(), to), {}))
  t.same(unlisted(exporter.samples(), 'expired'), all, 'all of it, and nothing twice')
  t.same(
    places(),
    places().map(() => 0),
    'its place is empty for the next',
  )
  await config.change(exporter, 'destinations.idle-timeout: 1h')
  host.traffic(`udp ${to} 443 29 100`)
  t.equal(destination(await exporter.settled(), to).packets, 29)
})

t.test('what is busy goes on by its pins', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  const flags = ['--interface=veth0', `--bpf.pin-path=${pinFolder(t, host)}`]
  const first = await startExporter(t, host, ...flags)
  network.up()
  host.traffic(`udp ${to} 443 1 100`)
  await first.settled()
  let sent = 1
  for (let round = 0; round < 5 && countsByCpu(first, 1).every((packets) => packets === 0); round++) {
    await flood(t, host, first, 100_003)
    sent += 2 * 100_003
  }
  const counted = countsByCpu(first, 1)
  t.ok(counted.some((packets) => packets > 0))
  await first.kill()
  host.traffic(`udp ${to} 443 31 100`)
  const second = await startExporter(t, host, ...flags)
  t.equal(destination(await second.settled(), to).packets, sent + 31)
  t.equal(
    countsByCpu(second, 1).reduce((sum, packets) => sum + packets),
    counted.reduce((sum, packets) => sum + packets) + 31,
  )
})
