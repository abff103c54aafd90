import t from 'tap'
import { closedSum, startExporter, total, unlisted } from '../../support/exporter.js'
import { createNetwork, ethernetFrame } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

const [arp, v4, v6] = ['0806', '0800', '86dd']
const bytesIn = (frames: string[]) => frames.reduce((sum, frame) => sum + frame.length / 2, 0)

t.test('what cannot be read is counted as such, and nothing of it is lost', async (t) => {
  const network = createNetwork(t)
  const exporter = await startExporter(t, network.host, '--interface=veth0')
  network.up()
  const before = await exporter.settled()

  const malformed = [
    ethernetFrame(v4, ''),
    ethernetFrame(v4, ipv4({ to: '203.0.113.1' }).slice(0, 2 * 19)),
    ethernetFrame(v4, `60${ipv4({ to: '203.0.113.1' }).slice(2)}`), // version 6
    ethernetFrame(v4, `44${ipv4({ to: '203.0.113.1' }).slice(2)}`), // a header of 16 bytes
    ethernetFrame(v4, `4f${ipv4({ to: '203.0.113.1' }).slice(2)}`), // a header longer than the packet
    ethernetFrame(v6, ipv6({ to: '2001:db8:1::1' }).slice(0, 2 * 39)),
    ethernetFrame(v6, `40${ipv6({ to: '2001:db8:1::1' }).slice(2)}`), // version 4
    ethernetFrame('8100 0007', ''),
    ethernetFrame('8100 0007 0800', '45'),
  ]
  const notIp = [
    ethernetFrame(arp, '0001080006040001'),
    ethernetFrame('88cc', '0207'), // LLDP
    ethernetFrame('0042', '424203'), // IEEE 802.3: a length, not an EtherType
    ethernetFrame('ffff', 'deadbeef'.repeat(300)),
    ethernetFrame('0000', ''),
  ]
  network.host.traffic('frames veth0', [...malformed, ...notIp].join('\n'))

  const samples = await exporter.settled()
  t.same(unlisted(samples, 'malformed'), { packets: malformed.length, bytes: bytesIn(malformed) })
  const old = unlisted(before, 'not_ip')
  t.same(unlisted(samples, 'not_ip'), {
    packets: notIp.length + (old.packets ?? 0),
    bytes: bytesIn(notIp) + (old.bytes ?? 0),
  })
  t.same(closedSum(samples), total(samples))
  t.equal(samples.get('egress_destinations{interface="veth0"}'), 0)
})
