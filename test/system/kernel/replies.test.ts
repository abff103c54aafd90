import t from 'tap'
import {
  closedSum,
  destination,
  type RunningExporter,
  startExporter,
  total,
  unlisted,
} from '../../support/exporter.js'
import { addresses, createNetwork, type Network } from '../../support/network.js'

/** Clients of the host, beside the peer's own address, which is a server that the host calls. */
const clients = ['198.51.100.10', '198.51.100.11', '198.51.100.12']
const flags = ['--interface=veth0', '--destinations.exclude=loopback,link-local,multicast']

async function makeTraffic(t: Tap, { host, peer }: Network): Promise<void> {
  for (const client of clients) peer.ip(`addr add ${client}/24 dev veth1`)
  // Clients call: on a usual port, on one of the ephemeral range, by UDP, and by ping.
  for (const port of [8080, 40000]) {
    for (const source of clients) {
      const sink = await host.startTraffic(t, `tcp-sink ${addresses.host.v4} ${port}`)
      peer.traffic(`tcp ${addresses.host.v4} ${port} 100000 ${source}`)
      await sink.ended
    }
  }
  await host.startTraffic(t, `udp-server ${addresses.host.v4} 53`)
  for (const source of clients) {
    peer.traffic(`udp-client ${addresses.host.v4} 53 7 ${source}`)
    peer.run(['ping', '-c', '3', '-i', '0.05', '-I', source, addresses.host.v4])
  }
  // The host calls, three times by TCP, and by UDP and ping.
  for (let call = 0; call < 3; call++) {
    const sink = await peer.startTraffic(t, `tcp-sink ${addresses.peer.v4} 443`)
    host.traffic(`tcp ${addresses.peer.v4} 443 50000`)
    await sink.ended
  }
  await peer.startTraffic(t, `udp-server ${addresses.peer.v4} 5353`)
  host.traffic(`udp-client ${addresses.peer.v4} 5353 11 ${addresses.host.v4}`)
  host.run(['ping', '-c', '2', '-i', '0.05', '203.0.113.9', '-W', '1'])
}

type Tap = Parameters<Network['host']['startTraffic']>[0]
const connects = (exporter: RunningExporter, to: string) =>
  exporter.samples().get(`egress_tcp_connects_total{interface="veth0",destination="${to}"}`)

t.test('aggregate: clients make no series, and what the host calls does', async (t) => {
  const network = createNetwork(t)
  network.peer.ip('addr add 203.0.113.9/32 dev lo')
  // Then the device counts what the wire sees, as we do.
  network.host.run(['ethtool', '-K', 'veth0', 'tso', 'off', 'gso', 'off'])
  // Somebody listens on it all the time, also before the exporter looks: it looks again each second.
  await network.host.startTraffic(t, 'tcp-sink 127.0.0.1 40000')
  const exporter = await startExporter(t, network.host, ...flags, '--destinations.replies=aggregate')
  network.up()
  await makeTraffic(t, network)
  const samples = exporter.samples()
  for (const client of clients) t.same(destination(samples, client), {}, `${client} called us`)
  t.ok((destination(samples, addresses.peer.v4).packets ?? 0) > 3 * 4)
  t.equal(connects(exporter, addresses.peer.v4), 3)
  t.equal(destination(samples, '203.0.113.9').packets, 2, 'pings')
  t.equal(connects(exporter, '203.0.113.9'), undefined, 'no series without a connection')
  const replies = unlisted(samples, 'reply').packets ?? 0
  // At least the answers to each UDP and ping, and for each connection SYN-ACK, an ACK, FIN.
  t.ok(replies >= 3 * (7 + 3) + 6 * 3, `${replies} replies`)
  t.same(closedSum(samples), total(samples))
  // The kernel has something to say of its own at times: once both are of one moment.
  await exporter.settled('veth0', ['packets'])
})

t.test('count: every client is a destination', async (t) => {
  const network = createNetwork(t)
  network.peer.ip('addr add 203.0.113.9/32 dev lo')
  network.up()
  const exporter = await startExporter(t, network.host, ...flags)
  await makeTraffic(t, network)
  const samples = exporter.samples()
  for (const client of clients) {
    t.ok((destination(samples, client).packets ?? 0) >= 7 + 3 + 6, client)
    t.equal(connects(exporter, client), undefined, 'SYN-ACKs open nothing')
  }
  t.equal(connects(exporter, addresses.peer.v4), 3)
  t.equal(unlisted(samples, 'reply').packets, 0)
  t.same(closedSum(samples), total(samples))
})
