import { release } from 'node:os'
import t from 'tap'
import { closedSum, destination, modes, startExporter, total, unlisted } from '../support/exporter.js'
import { addresses, createNetwork, ethernetFrame, type Network } from '../support/network.js'
import { extension, ipv4, ipv6, protocols, tcpData, udp, virtioHeader } from '../support/packets.js'

/** Whether this kernel is as new as that. */
function isSince(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release().split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

/** The stack cuts every buffer for veth0, whose own statistics then tell what the wire sees. */
function cutInSoftware({ host }: Network): void {
  const features = ['tso', 'tx-udp-segmentation', 'tx-udp_tnl-segmentation']
  host.run(['ethtool', '-K', 'veth0', 'gso', 'on', ...features.flatMap((feature) => [feature, 'off'])])
}

interface Kind {
  readonly what: string
  readonly since?: readonly [major: number, minor: number]
  /** EtherType, behind tags if there are any. */
  readonly ethertype: string
  readonly packet: (to: string) => string
  readonly transport: 'tcp' | 'udp'
  /** VIRTIO_NET_HDR_GSO_* */
  readonly type: number
  /** Between the IPv6 header and the transport header. */
  readonly extensions?: number
  readonly segment?: number
  readonly packets: number
  /** Of each packet. */
  readonly headers: number
  /** What is sent beside the payload, once. */
  readonly more?: number
  /** Not looked behind: it has no destination. */
  readonly notIp?: true
}

const [payloadBytes, ethernet, tcpHeader] = [7777, 14, 32]
const payload = 'ab'.repeat(payloadBytes)
const tcp4 = (to: string) => ipv4({ to, protocol: protocols.tcp, payload: tcpData(payload) })
const tcp6 = (to: string) => ipv6({ to, next: protocols.tcp, payload: tcpData(payload) })
const udp4 = (to: string) => ipv4({ to, payload: udp(53, payload) })
const udp6 = (to: string) => ipv6({ to, payload: udp(53, payload) })
const options6 = (to: string) =>
  ipv6({ to, next: 60, payload: extension(protocols.tcp, 1) + tcpData(payload) })
const [ip4, ip6] = [{ ethertype: '0800' }, { ethertype: '86dd' }]
const tcpOver4 = { packet: tcp4, transport: 'tcp', type: 1, packets: 8 } as const
const tcpOver6 = { packet: tcp6, transport: 'tcp', type: 4, packets: 8 } as const
const fragments = { transport: 'udp', type: 3, packets: 8, more: 8 } as const
const datagrams = { transport: 'udp', type: 5, since: [6, 2] } as const

const kinds: readonly Kind[] = [
  { what: 'TCP over IPv4', ...ip4, ...tcpOver4, headers: ethernet + 20 + tcpHeader },
  { what: 'TCP over IPv6', ...ip6, ...tcpOver6, headers: ethernet + 40 + tcpHeader },
  {
    what: 'TCP behind destination options',
    ...{ ...ip6, ...tcpOver6, packet: options6, extensions: 16 },
    headers: ethernet + 40 + 16 + tcpHeader,
  },
  {
    what: 'TCP behind two tags',
    ...{ ethertype: '88a8 0007 8100 0008 86dd', ...tcpOver6 },
    headers: ethernet + 8 + 40 + tcpHeader,
  },
  {
    what: 'TCP behind three tags',
    ...{ ethertype: '88a8 0007 8100 0008 8100 0009 0800', ...tcpOver4, notIp: true },
    headers: ethernet + 12 + 20 + tcpHeader,
  },
  { what: 'fragments over IPv4', ...ip4, ...fragments, packet: udp4, headers: ethernet + 20 },
  { what: 'fragments over IPv6', ...ip6, ...fragments, packet: udp6, headers: ethernet + 40 + 8 },
  { what: 'datagrams over IPv4', ...ip4, ...datagrams, packet: udp4, packets: 8, headers: ethernet + 20 + 8 },
  { what: 'datagrams over IPv6', ...ip6, ...datagrams, packet: udp6, packets: 8, headers: ethernet + 40 + 8 },
  {
    what: 'datagrams of 113 bytes',
    ...{ ...ip6, ...datagrams, packet: udp6, segment: 113, packets: 69 },
    headers: ethernet + 40 + 8,
  },
]

/** The frame as a packet socket takes it, behind a header that says how it is to be cut. */
function buffer({ ethertype, packet, transport, type, extensions = 0, segment = 1000 }: Kind, to: string) {
  const link = 12 + ethertype.replaceAll(' ', '').length / 2
  const start = link + extensions + (ethertype.endsWith('86dd') ? 40 : 20)
  return virtioHeader(type, segment, start, transport) + ethernetFrame(ethertype, packet(to))
}

// Packet sockets, virtio and tap leave the number of segments open.
t.test('buffers whose sender did not count their segments', async (t) => {
  const network = createNetwork(t)
  cutInSoftware(network)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()
  const sent = kinds
    .filter(({ since }) => !since || isSince(...since))
    .map((kind, index) => ({
      kind,
      to: kind.ethertype.endsWith('86dd') ? `2001:db8:113::${index + 1}` : `203.0.113.${index + 1}`,
    }))
  const frames = sent.flatMap(({ kind, to }) => Array<string>(3).fill(buffer(kind, to)))
  network.host.traffic('frames veth0 virtio', frames.join('\n'))

  // The device's own statistics are met first.
  const samples = await exporter.settled()
  for (const { kind, to } of sent) {
    const { what, packets, headers, more = 0, notIp } = kind
    const counted = notIp ? unlisted(samples, 'not_ip') : destination(samples, to)
    const bytes = packets * headers + payloadBytes + more
    t.same(counted, { packets: 3 * packets, bytes: 3 * bytes }, what)
  }
  t.same(closedSum(samples), total(samples))
})

for (const family of isSince(5, 19) ? (['v6'] as const) : []) {
  t.test(`IP${family} BIG TCP: the jumbo header is in no packet`, async (t) => {
    const network = createNetwork(t)
    const { host, peer } = network
    cutInSoftware(network)
    const exporter = await startExporter(t, host, '--interface=veth0')
    network.up()
    for (const [end, device] of [
      [host, 'veth0'],
      [peer, 'veth1'],
    ] as const)
      end.ip(`link set ${device} gso_max_size 185000 gro_max_size 185000`)
    host.run(['sysctl', '-q', '-w', 'net.ipv4.tcp_wmem=4096 4194304 4194304'])
    const sink = await peer.startTraffic(t, `tcp-sink ${addresses.peer[family]} 5001`)
    host.traffic(`tcp ${addresses.peer[family]} 5001 20000003`)
    await sink.ended
    t.same(sink.lines, ['20000003'])
    const samples = await exporter.settled()
    t.same(closedSum(samples), total(samples))
  })
}

t.test('TCP behind a routing header that the stack has put in', async (t) => {
  const network = createNetwork(t)
  const { host, peer } = network
  cutInSoftware(network)
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  const far = '2001:db8:99::9'
  for (const device of ['all', 'veth1'])
    peer.run(['sysctl', '-q', '-w', `net.ipv6.conf.${device}.seg6_enabled=1`])
  peer.run(['sysctl', '-q', '-w', 'net.ipv6.conf.all.forwarding=1'])
  peer.ip(`addr add ${far}/128 dev lo`)
  host.ip(`route add ${far}/128 encap seg6 mode inline segs ${addresses.peer.v6} dev veth0`)
  const sink = await peer.startTraffic(t, `tcp-sink ${far} 5001`)
  host.traffic(`tcp ${far} 5001 300007`)
  await sink.ended
  t.same(sink.lines, ['300007'])
  const samples = await exporter.settled()
  t.ok((destination(samples, addresses.peer.v6).packets ?? 0) > 300007 / 1500, 'the first hop gets them')
  t.same(closedSum(samples), total(samples))
})

for (const change of modes[0] === 'tcx' ? (['trim', 'grow'] as const) : []) {
  t.test(`packets that another program changes before us: ${change}`, async (t) => {
    const network = createNetwork(t)
    const exporter = await startExporter(t, network.host, '--interface=veth0')
    await network.host.attachForeignTcx(t, 'veth0', change, 'head')
    network.up()
    network.host.traffic('udp 203.0.113.1 9 23 1000')
    const samples = await exporter.settled()
    const bytes = change === 'trim' ? 100 : 14 + 20 + 20 + 8 + 1000
    t.same(destination(samples, '203.0.113.1'), { packets: 23, bytes: 23 * bytes })
    t.same(closedSum(samples), total(samples))
  })
}
