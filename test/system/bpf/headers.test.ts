import ipaddr from 'ipaddr.js'
import t from 'tap'
import { closedSum, destination, startExporter, total, unlisted } from '../../support/exporter.js'
import { bpftool, findMap } from '../../support/maps.js'
import { createNetwork, ethernetFrame } from '../../support/network.js'
import { extension, ipv4, ipv6, protocols, udp } from '../../support/packets.js'

const v4 = (packet: string) => ethernetFrame('0800', packet)
const v6 = (packet: string) => ethernetFrame('86dd', packet)

const fragment6 = (next: number, offsetAndFlags: string) =>
  next.toString(16).padStart(2, '0') + '00' + offsetAndFlags + '00000001'

interface Case {
  what: string
  to: string
  frame: string
  /** What the table holds of the first packet. */
  first: { protocol: number; port: number }
}

const cases: Case[] = [
  {
    what: 'IPv4 options',
    to: '203.0.113.1',
    frame: v4(ipv4({ to: '203.0.113.1', options: '94040000' + '01010101', payload: udp(5301) })),
    first: { protocol: 17, port: 5301 },
  },
  {
    what: 'the first IPv4 fragment',
    to: '203.0.113.2',
    frame: v4(ipv4({ to: '203.0.113.2', fragment: { offset: 0, more: true }, payload: udp(5302) })),
    first: { protocol: 17, port: 5302 },
  },
  {
    what: 'a later IPv4 fragment, which has no port',
    to: '203.0.113.3',
    frame: v4(ipv4({ to: '203.0.113.3', fragment: { offset: 3, more: false }, payload: udp(5303) })),
    first: { protocol: 17, port: 0 },
  },
  {
    what: 'a protocol without ports',
    to: '203.0.113.4',
    frame: v4(ipv4({ to: '203.0.113.4', protocol: 1, payload: '0800000000010001' })),
    first: { protocol: 1, port: 0 },
  },
  {
    what: 'an IPv4 packet without a transport header',
    to: '203.0.113.5',
    frame: v4(ipv4({ to: '203.0.113.5', payload: '' })),
    first: { protocol: 17, port: 0 },
  },
  {
    what: 'IPv6 hop-by-hop, routing and destination options',
    to: '2001:db8:1::1',
    frame: v6(
      ipv6({
        to: '2001:db8:1::1',
        next: 0,
        payload: extension(43) + extension(60, 2) + extension(protocols.udp, 1) + udp(5304),
      }),
    ),
    first: { protocol: 17, port: 5304 },
  },
  {
    what: 'the first IPv6 fragment',
    to: '2001:db8:1::2',
    frame: v6(ipv6({ to: '2001:db8:1::2', next: 44, payload: fragment6(17, '0001') + udp(5305) })),
    first: { protocol: 17, port: 5305 },
  },
  {
    what: 'a later IPv6 fragment',
    to: '2001:db8:1::3',
    frame: v6(ipv6({ to: '2001:db8:1::3', next: 44, payload: fragment6(17, '0008') + udp(5306) })),
    first: { protocol: 17, port: 0 },
  },
  {
    what: 'an IPv6 authentication header, whose length counts words',
    to: '2001:db8:1::4',
    frame: v6(ipv6({ to: '2001:db8:1::4', next: 51, payload: '1101' + '00'.repeat(10) + udp(5307) })),
    first: { protocol: 17, port: 5307 },
  },
  {
    what: 'no next header',
    to: '2001:db8:1::5',
    frame: v6(ipv6({ to: '2001:db8:1::5', next: 59, payload: 'abcd' })),
    first: { protocol: 59, port: 0 },
  },
  {
    what: 'extension headers cut short',
    to: '2001:db8:1::6',
    frame: v6(ipv6({ to: '2001:db8:1::6', next: 0, payload: '2b' })),
    first: { protocol: 0, port: 0 },
  },
  {
    what: 'more extension headers than anyone sends',
    to: '2001:db8:1::7',
    frame: v6(
      ipv6({ to: '2001:db8:1::7', next: 60, payload: extension(60).repeat(9) + extension(17) + udp(5308) }),
    ),
    first: { protocol: 60, port: 0 },
  },
]

t.test('headers of every shape count for the destination, and the first packet is described', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0', '--destinations.limit=64')
  network.up()
  network.host.traffic('frames veth0', cases.map(({ frame }) => frame).join('\n'))
  const samples = await exporter.settled()
  t.same(closedSum(samples), total(samples))
  t.same(unlisted(samples, 'malformed'), { packets: 0, bytes: 0 })

  const first = firstPackets(exporter.child.pid ?? 0)
  for (const { what, to, frame, first: expected } of cases) {
    t.same(destination(samples, to), { packets: 1, bytes: frame.length / 2 }, what)
    t.same(first.get(to), expected, `${what}: first packet`)
  }
})

/** Reads a process's table with bpftool, by address; offsets are those of bpf/egress.h. */
function firstPackets(pid: number): Map<string, { protocol: number; port: number }> {
  const rows: { value: string[] }[] = bpftool('map', 'dump', 'id', findMap(pid, 'destinations'))
  const records = rows.map(({ value }) => Buffer.from(value.map(Number)))
  return new Map(
    records
      .filter((record) => record.readUInt8(31) === 1)
      .map((record) => {
        const bytes = [...record.subarray(8, record.readUInt8(4) === 2 ? 12 : 24)]
        const address = ipaddr.fromByteArray(bytes).toString()
        return [address, { protocol: record.readUInt8(30), port: record.readUInt16LE(28) }]
      }),
  )
}
