import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { closedSum, destination, startExporter, total, unlisted } from '../../support/exporter.js'
import { bpftool, findMap } from '../../support/maps.js'
import { createNetwork, ethernetFrame, Namespace, silentPair } from '../../support/network.js'
import { ipv4 } from '../../support/packets.js'

const frameTo = (to: string) => ethernetFrame('0800', ipv4({ to }))
const frameBytes = frameTo('203.0.113.1').length / 2

/** How many sets of the lookup cache a process has in use, by a variable of the program. */
function pairsOfHints(pid: number): number {
  const id = findMap(pid, 'egress_b.data')
  const { formatted } = bpftool('map', 'lookup', 'id', id, 'key', '0', '0', '0', '0')
  const variables = Object.assign({}, ...formatted.value['.data'])
  return 2 ** (32 - variables.lookup_cache_shift)
}

t.test('beyond the limit traffic counts as overflow', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0', '--destinations.limit=3')
  network.up()
  const addresses = [1, 2, 3, 4, 5].map((last) => `203.0.113.${last}`)
  const round = addresses.map(frameTo).join('\n')
  network.host.traffic('frames veth0', Array(7).fill(round).join('\n'))

  const samples = await exporter.settled()
  // On a slow machine the sweep has made room by now.
  const tracked = samples.get('egress_destinations{interface="veth0"}') ?? 0
  const listed = addresses.map((address) => destination(samples, address)).filter(({ packets }) => packets)
  t.equal(listed.length, tracked)
  for (const counted of listed) t.same(counted, { packets: 7, bytes: 7 * frameBytes })
  const { packets: expired = 0 } = unlisted(samples, 'expired')
  t.equal(expired, (3 - tracked) * 7)
  t.same(unlisted(samples, 'overflow'), { packets: 2 * 7, bytes: 2 * 7 * frameBytes })
  t.same(closedSum(samples), total(samples))
  t.equal(samples.get('egress_destinations_limit'), 3)
})

t.test(
  'each of 20,011 destinations counts its own packets, before more of the lookup cache is in use and after',
  async (t) => {
    const host = silentPair(t, 'veth0')
    const exporter = await startExporter(t, host, '--interface=veth0')
    const sprayed = 20011
    const pairs = () => pairsOfHints(exporter.child.pid ?? 0)
    t.equal(pairs(), 4096)
    for (const rounds of [1, 2, 3, 4, 5]) {
      host.traffic(`spray-frames veth0 ${sprayed}`)
      const samples = await exporter.settled()
      const counts = [...samples].filter(([series]) => series.startsWith('egress_packets_total{'))
      t.equal(counts.length, sprayed)
      t.same(
        counts.filter(([, packets]) => packets !== rounds),
        [],
      )
      if (rounds === 2) await eventually(() => assert.equal(pairs(), 8192))
    }
  },
)

t.test('the same destination on two interfaces is two destinations', async (t) => {
  const host = new Namespace(t, 'two')
  const far = new Namespace(t, 'far')
  for (const device of ['left', 'right'])
    host.ip(`link add ${device} type veth peer name ${device}1 netns ${far.name}`)
  const exporter = await startExporter(t, host, '--interface=left', '--interface=right')
  for (const device of ['left', 'right']) {
    far.ip(`link set ${device}1 up`)
    host.ip(`link set ${device} up`)
  }
  host.traffic('frames left', Array(23).fill(frameTo('203.0.113.1')).join('\n'))
  host.traffic('frames right', Array(29).fill(frameTo('203.0.113.1')).join('\n'))

  for (const [device, packets] of [
    ['left', 23],
    ['right', 29],
  ] as const) {
    const samples = await exporter.settled(device)
    t.same(destination(samples, '203.0.113.1', device), { packets, bytes: packets * frameBytes })
    t.same(closedSum(samples, device), total(samples, device))
  }
})

t.test('two processors that send to one new destination lose nothing', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()
  const senders = await Promise.all(
    [0, 1].map((cpu) => network.host.startTraffic(t, `burst 203.0.113.9 9 50021 ${cpu}`)),
  )
  await Promise.all(senders.map(({ ended }) => ended))
  const samples = await exporter.settled()
  t.equal(destination(samples, '203.0.113.9').packets, 2 * 50021)
  t.same(closedSum(samples), total(samples))
})
