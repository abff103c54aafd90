/**
 * npm run test:accounting: ten kinds of traffic, and for each our columns, what an independent witness
 * counted, and the difference. The witness is the device's own statistics; for a tun device the program
 * behind it, which gets every packet.
 */
import assert from 'node:assert/strict'
import { eventually } from './support/await.js'
import { startExporter, total, unlisted } from './support/exporter.js'
import { addresses, createNetwork, ethernetFrame, type Network, silence } from './support/network.js'
import { ipv4, ipv6, tcp } from './support/packets.js'

interface Counts {
  packets: number
  bytes: number
}

/** Makes the traffic; a device other than veth0 and a witness other than its statistics may be named. */
interface Kind {
  readonly what: string
  readonly flags?: readonly string[]
  readonly make: (network: Network, t: Teardown) => Promise<{ device: string; witness?: Counts } | undefined>
}

interface Teardown {
  teardown(action: () => unknown): void
}

const repeat = (frame: string, count: number) => Array<string>(count).fill(frame)
const v4 = (to: string) => ethernetFrame('0800', ipv4({ to }))
const frames = ({ host }: Network, lines: readonly string[]) => host.traffic('frames veth0', lines.join('\n'))
const simple = (what: string, make: (network: Network) => void, flags: readonly string[] = []): Kind => ({
  what,
  flags,
  make: async (network) => {
    make(network)
    return undefined
  },
})

const kinds: readonly Kind[] = [
  simple('UDP, IPv4 and IPv6', ({ host }) => {
    host.traffic(`udp ${addresses.peer.v4} 9 10007 100`)
    host.traffic(`udp ${addresses.peer.v6} 9 10009 100`)
  }),
  {
    what: 'TCP, 20 MB, segmented by the stack',
    make: async ({ host, peer }, t) => {
      // The buffers that we see stand for many packets; the device counts those.
      host.run(['ethtool', '-K', 'veth0', 'tso', 'off', 'gso', 'on'])
      const sink = await peer.startTraffic(t, `tcp-sink ${addresses.peer.v4} 9000`)
      host.traffic(`tcp ${addresses.peer.v4} 9000 20000000`)
      await sink.ended
      return undefined
    },
  },
  simple('VLAN tags: one, two, three', (network) => {
    frames(network, [
      ...repeat(ethernetFrame('8100 0007 0800', ipv4({ to: '203.0.113.1' })), 1009),
      ...repeat(ethernetFrame('88a8 0007 8100 0008 86dd', ipv6({ to: '2001:db8:1::1' })), 1013),
      ...repeat(ethernetFrame('88a8 0007 8100 0008 8100 0009 0800', ipv4({ to: '203.0.113.1' })), 1019),
    ])
  }),
  simple('excluded: private, multicast, broadcast', (network) => {
    frames(
      network,
      ['10.1.2.3', '192.168.7.7', '224.0.0.9', '255.255.255.255'].flatMap((to) => repeat(v4(to), 1021)),
    )
  }),
  simple('not IP: ARP, LLDP, MPLS', (network) => {
    const payload = '00'.repeat(46)
    frames(
      network,
      ['0806', '88cc', '8847'].flatMap((type) => repeat(ethernetFrame(type, payload), 1031)),
    )
  }),
  simple('malformed: cut short at every byte', (network) => {
    const whole = v4('203.0.113.1')
    frames(
      network,
      Array.from({ length: 20 }, (_, cut) => whole.slice(0, (14 + cut) * 2)).flatMap((cut) =>
        repeat(cut, 53),
      ),
    )
  }),
  simple(
    'overflow: 20,011 destinations, room for 9',
    ({ host }) => {
      host.traffic('spray-frames veth0 20011')
    },
    ['--destinations.limit=9'],
  ),
  {
    what: 'expiry: destinations come and go',
    flags: ['--destinations.idle-timeout=1s'],
    make: async (network) => {
      for (let round = 0; round < 4; round++) {
        frames(
          network,
          [1, 2, 3].flatMap((last) => repeat(v4(`203.0.113.${last}`), 211)),
        )
        await new Promise((resolve) => setTimeout(resolve, 2_300))
      }
      return undefined
    },
  },
  simple(
    'replies: SYN-ACKs to 5,003 clients',
    (network) => {
      const answer = Array.from({ length: 5003 }, (_, client) =>
        ethernetFrame(
          '0800',
          ipv4({ to: `1.1.${client >> 8}.${client & 255}`, protocol: 6, payload: tcp(443, 'syn-ack') }),
        ),
      )
      frames(network, [...answer, ...repeat(v4('203.0.113.1'), 1033)])
    },
    ['--destinations.replies=aggregate'],
  ),
  {
    what: 'tun, without a link header',
    make: async ({ host }, t) => {
      const tun = await host.startTraffic(t, 'tun tun0')
      silence(host, 'tun0')
      host.ip('link set tun0 txqueuelen 10000')
      host.ip('route add 203.0.113.0/24 dev tun0')
      host.traffic('udp 203.0.113.1 9 1039 100')
      host.traffic('udp 203.0.113.2 9 1049 200')
      // What reads it may be behind.
      await eventually(() => assert.equal(tun.lines.length, 1039 + 1049))
      const lengths = tun.lines.map(Number)
      return {
        device: 'tun0',
        witness: { packets: lengths.length, bytes: lengths.reduce((sum, length) => sum + length, 0) },
      }
    },
  },
]

const columns = ['listed', 'excluded', 'overflow', 'expired', 'reply', 'not_ip', 'malformed'] as const

async function account(kind: Kind): Promise<boolean> {
  const actions: (() => unknown)[] = []
  const t: Teardown = { teardown: (action) => actions.unshift(action) }
  try {
    const network = createNetwork(t)
    const exporter = await startExporter(
      t,
      network.host,
      '--interface=veth0',
      '--interface=tun*',
      ...(kind.flags ?? []),
    )
    network.up()
    const { device, witness } = (await kind.make(network, t)) ?? { device: 'veth0' }
    const found = await eventually(() => {
      // The kernel itself has something to say at times: both figures must be of one moment.
      const before = network.host.sent(device)
      const samples = exporter.samples()
      assert.deepEqual(network.host.sent(device), before)
      return { samples, witness: witness ?? before }
    })
    return print(kind.what, found.samples, device, found.witness)
  } finally {
    for (const action of actions) await action()
  }
}

function print(what: string, samples: Map<string, number>, device: string, witness: Counts): boolean {
  const listed = (unit: string) =>
    [...samples]
      .filter(([series]) => series.startsWith(`egress_${unit}_total{interface="${device}",`))
      .reduce((sum, [, value]) => sum + value, 0)
  let exact = true
  console.log(`\n${what}`)
  for (const unit of ['packets', 'bytes'] as const) {
    const found = columns.map((column) =>
      column === 'listed' ? listed(unit) : (unlisted(samples, column, device)[unit] ?? 0),
    )
    const sum = found.reduce((all, value) => all + value, 0)
    const differences = [sum - (total(samples, device)[unit] ?? NaN), sum - witness[unit]]
    exact &&= differences.every((difference) => difference === 0)
    const shown = columns.flatMap((column, index) =>
      found[index] === 0 ? [] : [`${column} ${found[index]}`],
    )
    console.log(
      `  ${unit.padEnd(8)} ${shown.join(' + ')} = ${sum}; witness ${witness[unit]}; difference ${differences[1]}`,
    )
  }
  return exact
}

const results: boolean[] = []
for (const kind of kinds) results.push(await account(kind))
const exact = results.filter(Boolean).length
console.log(`\n${exact} passed, ${results.length - exact} failed`)
process.exitCode = exact === results.length ? 0 : 1
