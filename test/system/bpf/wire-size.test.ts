import t from 'tap'
import { buffer, buffers, isSince, payloadBytes } from '../../support/buffers.js'
import { closedSum, destination, modes, startExporter, total, unlisted } from '../../support/exporter.js'
import { addresses, createNetwork, type Network } from '../../support/network.js'

/** The stack cuts every buffer for veth0, whose own statistics then tell what the wire sees. */
function cutInSoftware({ host }: Network): void {
  const features = ['tso', 'tx-udp-segmentation', 'tx-udp_tnl-segmentation']
  host.run(['ethtool', '-K', 'veth0', 'gso', 'on', ...features.flatMap((feature) => [feature, 'off'])])
}

// Packet sockets, virtio and tap leave the number of segments open.
t.test('buffers whose sender did not count their segments', async (t) => {
  const network = createNetwork(t)
  cutInSoftware(network)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()
  const frames = buffers.flatMap(({ kind, to }) => Array<string>(3).fill(buffer(kind, to)))
  network.host.traffic('frames veth0 virtio', frames.join('\n'))

  // The device's own statistics are met first.
  const samples = await exporter.settled()
  for (const { kind, to } of buffers) {
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
