import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { closedSum, destination, modes, startExporter, total, unlisted } from '../../support/exporter.js'
import { Namespace } from '../../support/network.js'

t.test('a tun device has no link header', async (t) => {
  const host = new Namespace(t, 'tun')
  host.ip('tuntap add tun0 mode tun')
  const exporter = await startExporter(t, host, '--interface=tun0')
  const reader = await host.startTraffic(t, 'tun tun0')
  host.ip('addr add 198.51.100.1/24 dev tun0')
  host.ip('addr add 2001:db8:51::1/64 dev tun0 nodad')
  host.ip('link set tun0 up')

  host.traffic('udp 198.51.100.7 9 23 5')
  host.traffic('udp 2001:db8:51::7 9 29 7')

  const samples = await exporter.settled('tun0')
  t.same(destination(samples, '198.51.100.7', 'tun0'), { packets: 23, bytes: 23 * (20 + 8 + 5) })
  t.same(destination(samples, '2001:db8:51::7', 'tun0'), { packets: 29, bytes: 29 * (40 + 8 + 7) })
  t.same(closedSum(samples, 'tun0'), total(samples, 'tun0'))
  await eventually(() => {
    const bytes = reader.lines.reduce((sum, line) => sum + Number(line), 0)
    // The program behind the device got as much.
    assert.deepEqual({ packets: reader.lines.length, bytes }, total(samples, 'tun0'))
  })
  const info = [...samples.keys()].find((series) => series.startsWith('egress_interface_info'))
  t.match(info, 'link_type="none"')
})

t.test('a tun device stays one, whatever link type its owner gives it', async (t) => {
  const host = new Namespace(t, 'tun')
  host.ip('tuntap add tun0 mode tun')
  const arphrdEther = 1
  await host.startTraffic(t, `tun tun0 ${arphrdEther}`)
  const exporter = await startExporter(t, host, '--interface=tun0')
  host.ip('addr add 198.51.100.1/24 dev tun0')
  host.ip('link set tun0 up')
  host.traffic('udp 198.51.100.7 9 23 5')
  const samples = await exporter.settled('tun0')
  t.same(destination(samples, '198.51.100.7', 'tun0'), { packets: 23, bytes: 23 * (20 + 8 + 5) })
  t.same(closedSum(samples, 'tun0'), total(samples, 'tun0'))
})

for (const payload of modes[0] === 'tcx' ? [5] : []) {
  t.test('outer headers before the packet: destination and bytes are the inner ones', async (t) => {
    const host = new Namespace(t, 'tun')
    host.ip('tuntap add tun0 mode tun')
    const exporter = await startExporter(t, host, '--interface=tun0')
    await host.startTraffic(t, 'tun tun0')
    await host.attachForeignTcx(t, 'tun0', 'gre', 'head')
    host.ip('addr add 198.51.100.1/24 dev tun0')
    host.ip('addr add 2001:db8:51::1/64 dev tun0 nodad')
    host.ip('link set tun0 up')
    host.traffic(`udp 198.51.100.7 9 23 ${payload}`)
    host.traffic(`udp 2001:db8:51::7 9 29 ${payload}`)
    const samples = await exporter.settled('tun0', ['packets'])
    t.same(destination(samples, '198.51.100.7', 'tun0'), { packets: 23, bytes: 23 * (20 + 8 + payload) })
    t.same(destination(samples, '2001:db8:51::7', 'tun0'), { packets: 29, bytes: 29 * (40 + 8 + payload) })
    t.same(unlisted(samples, 'malformed', 'tun0'), { packets: 0, bytes: 0 })
    t.same(closedSum(samples, 'tun0'), total(samples, 'tun0'))
  })
}

t.test('packets that are no IP on a device without a link header', async (t) => {
  const host = new Namespace(t, 'tun')
  host.ip('tuntap add tun0 mode tun')
  const exporter = await startExporter(t, host, '--interface=tun0')
  await host.startTraffic(t, 'tun tun0')
  host.ip('link set tun0 up')
  // The kernel takes the protocol from the first four bits: 5 is none. An IPv4 header of 60 bytes is
  // longer than this packet of 20.
  host.traffic('frames tun0', `5${'0'.repeat(39)}\n4f${'0'.repeat(38)}`)
  const samples = await exporter.settled('tun0')
  t.same(unlisted(samples, 'not_ip', 'tun0'), { packets: 1, bytes: 20 })
  t.same(unlisted(samples, 'malformed', 'tun0'), { packets: 1, bytes: 20 })
})
