import t from 'tap'
import { closedSum, destination, startExporter, total, unlisted } from '../../support/exporter.js'
import { createNetwork, ethernetFrame } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

/** The first and the last address of every prefix of every group. */
const excluded = {
  private: [
    ['10.0.0.0', '10.255.255.255'],
    ['172.16.0.0', '172.31.255.255'],
    ['192.168.0.0', '192.168.255.255'],
    ['100.64.0.0', '100.127.255.255'],
    ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ],
  loopback: [
    ['127.0.0.0', '127.255.255.255'],
    ['::1', '::1'],
  ],
  'link-local': [
    ['169.254.0.0', '169.254.255.255'],
    ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ],
  multicast: [
    ['224.0.0.0', '239.255.255.255'],
    ['255.255.255.255', '255.255.255.255'],
    ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ],
}

/** Their neighbours outside. */
const listed = [
  ...['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0'],
  ...[
    '100.63.255.255',
    '100.128.0.0',
    'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe00::',
    '126.255.255.255',
  ],
  ...[
    '128.0.0.0',
    '::2',
    '169.253.255.255',
    '169.255.0.0',
    'fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fec0::',
  ],
  ...['223.255.255.255', '240.0.0.0', '255.255.255.254', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
]

const frameTo = (to: string) =>
  to.includes(':') ? ethernetFrame('86dd', ipv6({ to })) : ethernetFrame('0800', ipv4({ to }))
const framesTo = (addresses: string[], times: number) =>
  addresses.flatMap((address) => Array(times).fill(frameTo(address))).join('\n')

t.test('the default groups, to their last address and not one further', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()
  const before = await exporter.settled()
  const inside = [...new Set(Object.values(excluded).flat(2))]
  network.host.traffic('frames veth0', `${framesTo(inside, 3)}\n${framesTo(listed, 2)}`)

  const samples = await exporter.settled()
  for (const address of inside) t.same(destination(samples, address), {}, `${address} is excluded`)
  for (const address of listed) t.equal(destination(samples, address).packets, 2, `${address} is listed`)
  const own = (unlisted(samples, 'excluded').packets ?? 0) - (unlisted(before, 'excluded').packets ?? 0)
  // Neighbour discovery may still add to ours.
  t.ok(own >= 3 * inside.length, `${own} excluded packets`)
  t.same(closedSum(samples), total(samples))
})

t.test('a list of groups and prefixes replaces the default', async (t) => {
  const network = createNetwork(t)
  const flags = ['--destinations.exclude=loopback,203.0.113.0/25', '--destinations.exclude=2001:db8:1::/48']
  const exporter = await startExporter(t, network.host, '--interface=veth0', ...flags)
  network.up()
  const outside = ['10.0.0.1', '203.0.113.128', '2001:db8:2::1']
  const inside = ['127.0.0.1', '203.0.113.127', '2001:db8:1:ffff::1']
  network.host.traffic('frames veth0', `${framesTo(inside, 5)}\n${framesTo(outside, 2)}`)
  const samples = await exporter.settled()
  for (const address of outside) t.equal(destination(samples, address).packets, 2, `${address} is listed`)
  t.equal(unlisted(samples, 'excluded').packets, 5 * inside.length)
  t.same(closedSum(samples), total(samples))
})

t.test('none lists everything', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0', '--destinations.exclude=none')
  network.up()
  const all = [...new Set(Object.values(excluded).flat(2))]
  network.host.traffic('frames veth0', framesTo(all, 2))
  const samples = await exporter.settled()
  for (const address of all) t.ok((destination(samples, address).packets ?? 0) >= 2, `${address} is listed`)
  t.same(unlisted(samples, 'excluded'), { packets: 0, bytes: 0 })
  t.same(closedSum(samples), total(samples))
})
