import t from 'tap'
import { closedSum, destination, startExporter, total, unlisted } from '../../support/exporter.js'
import { createNetwork, ethernetFrame } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

const types = { ipv4: '0800', ipv6: '86dd' }
const tag = (tpid: '8100' | '88a8', id: number) => `${tpid} ${id.toString(16).padStart(4, '0')}`

t.test('tags in the frame: one, two, and one too many', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()

  const v4 = ipv4({ to: '203.0.113.1' })
  const v6 = ipv6({ to: '2001:db8:1::1' })
  const stacked = `${tag('88a8', 7)} ${tag('8100', 11)}`
  const frames = {
    untagged: ethernetFrame(types.ipv4, v4),
    q: ethernetFrame(`${tag('8100', 7)} ${types.ipv4}`, v4),
    ad: ethernetFrame(`${tag('88a8', 7)} ${types.ipv4}`, v4),
    qInAd: ethernetFrame(`${stacked} ${types.ipv4}`, v4),
    q6: ethernetFrame(`${tag('8100', 7)} ${types.ipv6}`, v6),
    qInAd6: ethernetFrame(`${stacked} ${types.ipv6}`, v6),
    three: ethernetFrame(`${stacked} ${tag('8100', 13)} ${types.ipv4}`, v4),
    cut: ethernetFrame(`${stacked.slice(0, -2)}`, ''),
  }
  const bytes = (...names: (keyof typeof frames)[]) =>
    names.reduce((sum, name) => sum + frames[name].length / 2, 0)
  network.host.traffic('frames veth0', Object.values(frames).join('\n'))

  const samples = await exporter.settled()
  t.same(destination(samples, '203.0.113.1'), { packets: 4, bytes: bytes('untagged', 'q', 'ad', 'qInAd') })
  t.same(destination(samples, '2001:db8:1::1'), { packets: 2, bytes: bytes('q6', 'qInAd6') })
  t.same(unlisted(samples, 'malformed'), { packets: 1, bytes: bytes('cut') })
  t.ok((unlisted(samples, 'not_ip').packets ?? 0) >= 1, 'a third tag is not looked behind')
  t.same(closedSum(samples), total(samples))
})

t.test('a tag in the metadata counts as the four bytes that the wire sees', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  // The device inserts the tag in software, and so counts it.
  host.run(['ethtool', '-K', 'veth0', 'tx-vlan-hw-insert', 'off'])
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  // What leaves veth2 leaves veth0 instead, tagged.
  host.ip('link add veth2 type veth peer name veth3')
  host.ip('link set veth3 up')
  host.ip('link set veth2 up')
  host.attachForeign(t, 'veth2', 'tag', host.ifindex('veth0'))

  const plain = ethernetFrame(types.ipv4, ipv4({ to: '203.0.113.1' }))
  const tagged = ethernetFrame(`${tag('8100', 11)} ${types.ipv4}`, ipv4({ to: '203.0.113.2' }))
  host.traffic('frames veth2', [...Array(19).fill(plain), ...Array(17).fill(tagged)].join('\n'))

  const samples = await exporter.settled()
  t.same(destination(samples, '203.0.113.1'), { packets: 19, bytes: 19 * (plain.length / 2 + 4) })
  t.same(destination(samples, '203.0.113.2'), { packets: 17, bytes: 17 * (tagged.length / 2 + 4) }, 'stacked')
  t.same(closedSum(samples), total(samples))
})
