import t from 'tap'
import { closedSum, destination, modes, startExporter, total, unlisted } from '../../support/exporter.js'
import { addresses, createNetwork } from '../../support/network.js'

// Ethernet, IP and UDP headers.
const headers = { v4: 14 + 20 + 8, v6: 14 + 40 + 8 }

for (const mode of modes) {
  t.test(`${mode}: every packet is counted by destination, and the sum is the device's own`, async (t) => {
    const network = createNetwork(t)
    const exporter = await startExporter(t, network.host, '--interface=veth0', `--bpf.mode=${mode}`)
    network.up()

    network.host.traffic(`udp ${addresses.peer.v4} 9 23 5`)
    network.host.traffic(`udp ${addresses.peer.v6} 9 29 7`)
    network.host.traffic('udp 203.0.113.7 53 31 100')

    const samples = await exporter.settled()
    t.same(destination(samples, addresses.peer.v4), { packets: 23, bytes: 23 * (headers.v4 + 5) })
    t.same(destination(samples, addresses.peer.v6), { packets: 29, bytes: 29 * (headers.v6 + 7) })
    t.same(destination(samples, '203.0.113.7'), { packets: 31, bytes: 31 * (headers.v4 + 100) })
    t.same(closedSum(samples), total(samples))
    t.same(unlisted(samples, 'malformed'), { packets: 0, bytes: 0 })
    t.equal(samples.get('egress_destinations{interface="veth0"}'), 3)
    t.equal(samples.get('egress_new_destinations_total{interface="veth0"}'), 3)
    t.equal(samples.get('egress_interface_attached{interface="veth0"}'), 1)
  })
}
