import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { destination, modes, startExporter } from '../../support/exporter.js'
import { createNetwork, ethernetFrame } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

for (const mode of modes) {
  t.test(`${mode}: the next program sees every packet, and its verdict holds`, async (t) => {
    const network = createNetwork(t)
    const { host } = network
    host.attachForeign(t, 'veth0', 'drop')
    const exporter = await startExporter(t, host, '--interface=veth0', `--bpf.mode=${mode}`)
    network.up()
    const v4 = ethernetFrame('0800', ipv4({ to: '203.0.113.1' }))
    const v6 = ethernetFrame('86dd', ipv6({ to: '2001:db8:1::1' }))
    const received = () => JSON.parse(network.peer.ip('-j -s link show dev veth1'))[0].stats64.rx.packets
    const before = received()
    host.traffic('frames veth0', [...Array(13).fill(v4), ...Array(17).fill(v6)].join('\n'))

    const samples = exporter.samples()
    t.equal(destination(samples, '203.0.113.1').packets, 13, 'counted before it was dropped')
    t.equal(destination(samples, '2001:db8:1::1').packets, 17)
    await eventually(() => assert.ok(received() - before >= 17))
    const drops = JSON.parse(host.run(['tc', '-j', '-s', 'qdisc', 'show', 'dev', 'veth0', 'clsact']))
    t.ok(drops[0].drops >= 13, 'the foreign program dropped them')

    t.equal(await exporter.stop(), 0)
    const filters = host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress'])
    t.match(filters, 'foreign.o:[drop]', 'the foreign filter stays')
    t.notMatch(filters, 'egress_ethernet')
  })
}
