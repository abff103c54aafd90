import { release } from 'node:os'
import t from 'tap'
import { closedSum, destination, startExporter, total } from '../../support/exporter.js'
import { addresses, createNetwork } from '../../support/network.js'

const size = 20_000_000

// Before, qdisc_pkt_len_init took a tunnel's outer header for the inner one.
const [major = 0, minor = 0] = release().split('.').map(Number)
const wireLenKnowsTunnels = major > 6 || (major === 6 && minor >= 11)

const witness = `table inet witness {
  chain out {
    type filter hook output priority 0
    counter
  }
}`

for (const family of ['v4', 'v6'] as const) {
  t.test(
    `20 MB of TCP/IP${family} in oversized buffers count as the packets that the device sends`,
    async (t) => {
      const network = createNetwork(t)
      const { host, peer } = network
      // The stack hands oversized buffers to egress; the device, which cannot take them, sends and
      // counts what they are cut into.
      host.run(['ethtool', '-K', 'veth0', 'tso', 'off', 'gso', 'on'])
      const exporter = await startExporter(t, host, '--interface=veth0')
      host.run(['nft', '-f', '-'], witness)
      network.up()
      const sink = await peer.startTraffic(t, `tcp-sink ${addresses.peer[family]} 5001`)
      host.traffic(`tcp ${addresses.peer[family]} 5001 ${size}`)
      await sink.ended
      t.same(sink.lines, [String(size)], 'all of it arrived')

      const samples = await exporter.settled()
      const counted = destination(samples, addresses.peer[family])
      const buffers = Number(/counter packets (\d+)/.exec(host.run(['nft', 'list', 'ruleset']))?.[1])
      t.ok(
        buffers > 0 && (counted.packets ?? 0) > 2 * buffers,
        `${buffers} buffers were ${counted.packets} packets`,
      )
      t.same(closedSum(samples), total(samples))
    },
  )
}

t.test('oversized buffers in a tunnel count as the packets beneath it', async (t) => {
  const network = createNetwork(t)
  const { host, peer } = network
  host.run(['ethtool', '-K', 'veth0', 'tso', 'off', 'gso', 'on', 'tx-udp_tnl-segmentation', 'off'])
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  for (const [end, device, local, remote, inner] of [
    [host, 'veth0', addresses.host.v4, addresses.peer.v4, '203.0.113.1'],
    [peer, 'veth1', addresses.peer.v4, addresses.host.v4, '203.0.113.2'],
  ] as const) {
    end.ip(`link add vx0 type vxlan id 7 local ${local} remote ${remote} dstport 4789 dev ${device}`)
    end.ip(`addr add ${inner}/24 dev vx0`)
    end.ip('link set vx0 up')
  }
  const sink = await peer.startTraffic(t, 'tcp-sink 203.0.113.2 5001')
  host.traffic('tcp 203.0.113.2 5001 2000003')
  await sink.ended
  t.same(sink.lines, ['2000003'])

  // Older kernels get the length of such a buffer wrong, before any program sees it.
  const samples = await exporter.settled('veth0', wireLenKnowsTunnels ? ['packets', 'bytes'] : ['packets'])
  t.ok((destination(samples, addresses.peer.v4).packets ?? 0) > 2000003 / 1500)
  t.same(destination(samples, '203.0.113.2'), {}, 'the inner destination does not leave veth0')
  t.same(closedSum(samples), total(samples))
})
