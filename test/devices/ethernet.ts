import { modes } from '../support/exporter.js'
import { addresses, mac } from '../support/network.js'
import { buffer, buffers } from '../support/buffers.js'
import type { Ends, Kind } from './kind.js'
import { cutInSoftware, traffic } from './lab.js'

const frames = () => buffers.flatMap(({ kind, to }) => Array<string>(3).fill(buffer(kind, to))).join('\n')
const far = '2001:db8:99::9'

/** A route through segments; the other end is the only one. */
function segmentRoute({ host, peer, teardown }: Ends, mode: 'inline' | 'encap'): void {
  const on = ['all.seg6_enabled', 'veth1.seg6_enabled', 'all.forwarding']
  peer.run(['sysctl', '-q', '-w', ...on.map((name) => `net.ipv6.conf.${name}=1`)])
  peer.ip(`addr replace ${far}/128 dev lo`)
  host.ip(`route replace ${far}/128 encap seg6 mode ${mode} segs ${addresses.peer.v6} dev veth0`)
  teardown(() => host.ip(`route delete ${far}/128`))
}

const segments = (mode: 'inline' | 'encap'): Kind => ({
  what: `SRv6 ${mode}`,
  device: 'veth0',
  send: (ends) => {
    segmentRoute(ends, mode)
    traffic(ends.host, ['send', 'udp,tcp', '', far])
  },
  destinations: [addresses.peer.v6],
})

const changed = (change: 'trim' | 'grow'): Kind => ({
  what: `another program first: ${change}`,
  device: 'veth0',
  traffic: 'udp=1000',
  prepare: (ends) => ends.host.attachForeignTcx(ends, 'veth0', change, 'head'),
})

/** Frames leave by both devices, behind a tag or before a trailer. As long as it is up, it sends some of its
 * own accord, so that no two looks agree. */
const redundant = (what: string, name: string, protocol: string): Kind => ({
  what,
  pair: true,
  alone: true,
  host: ['link set w0 up', `link add ${name} type hsr slave1 veth0 slave2 w0 ${protocol}`],
  prepare: ({ host }) => host.run(['sysctl', '-q', '-w', `net.ipv6.conf.${name}.keep_addr_on_down=1`]),
  finish: [`link set ${name} down`],
  device: name,
  send: ({ host }, to) => {
    host.ip(`link set ${name} up`)
    for (const address of to) host.ip(`neigh replace ${address} lladdr ${mac.peer} dev ${name} nud permanent`)
    traffic(host, ['send', 'udp,gso', '', ...to])
    host.ip(`link set ${name} down`)
  },
  witness: { datagrams: 14 },
})

const netkit = (mode: 'l2' | 'l3'): Kind => ({
  what: `netkit, ${mode.toUpperCase()}`,
  prepare: ({ host, peer }) => {
    traffic(host, ['netkit', 'kit0', mode])
    cutInSoftware(host, 'kit0')
    host.ip(`link set nk0 netns ${peer.name}`)
  },
  device: 'kit0',
  peerDevice: 'nk0',
})

/** Devices with an Ethernet header, and what is sent by them. */
export const ethernet: readonly Kind[] = [
  { what: 'Ethernet (veth)', device: 'veth0' },
  {
    what: 'IPv6 BIG TCP',
    device: 'veth0',
    prepare: ({ host, peer, teardown }) => {
      const limit = (bytes: number) => {
        host.ip(`link set veth0 gso_max_size ${bytes} gro_max_size ${bytes}`)
        peer.ip(`link set veth1 gso_max_size ${bytes} gro_max_size ${bytes}`)
      }
      limit(185000)
      host.run(['sysctl', '-q', '-w', 'net.ipv4.tcp_wmem=4096 4194304 4194304'])
      teardown(() => limit(65536))
    },
    traffic: 'tcp=3000017',
    families: ['v6'],
  },
  { what: 'SCTP', device: 'veth0', traffic: 'sctp' },
  {
    what: 'buffers without a number of segments, by a packet socket',
    device: 'veth0',
    send: ({ host }) => host.traffic('frames veth0 virtio', frames()),
    destinations: buffers.filter(({ kind }) => !kind.notIp).map(({ to }) => to),
  },
  {
    what: 'the same, by a virtual machine: tap and bridge',
    pair: true,
    alone: true,
    host: [
      'link add br0 type bridge',
      'tuntap add tap0 mode tap vnet_hdr',
      ...bridged('w0'),
      ...bridged('tap0'),
      'link set br0 up',
    ],
    device: 'w0',
    send: ({ host }) => traffic(host, ['machine', 'tap0'], frames()),
    destinations: buffers.filter(({ kind }) => !kind.notIp).map(({ to }) => to),
  },
  {
    what: 'bridge',
    pair: true,
    host: ['link add br0 type bridge', ...bridged('w0')],
    device: 'br0',
    peerDevice: 'w1',
    witness: 0,
  },
  {
    what: 'macvlan',
    host: ['link add mv0 link {dev} type macvlan mode bridge'],
    device: 'mv0',
    peerDevice: 'veth1',
    witness: 0,
  },
  {
    what: 'ipvlan',
    host: ['link add iv0 link {dev} type ipvlan mode l2'],
    device: 'iv0',
    peerDevice: 'veth1',
    witness: 0,
  },
  {
    what: 'ipvlan, L3',
    host: ['link add iv3 link {dev} type ipvlan mode l3'],
    // Nobody says there who has an address.
    peer: ['neigh replace 198.18.{n}.{r} lladdr {rmac} dev {dev} nud permanent'],
    device: 'iv3',
    peerDevice: 'veth1',
    witness: 0,
    families: ['v4'],
  },
  { what: 'VLAN', both: ['link add v7 link {dev} type vlan id 7'], device: 'v7', witness: 4 },
  {
    what: 'VLAN in VLAN (802.1ad)',
    both: [
      'link add s9 link {dev} type vlan proto 802.1ad id 9',
      'link set s9 up',
      'link add c7 link s9 type vlan id 7',
      // A veth takes one tag more than its MTU.
      'link set c7 mtu 1496',
    ],
    device: 'c7',
    witness: 8,
  },
  {
    what: 'bond (active-backup)',
    pair: true,
    host: ['link add bo0 type bond mode active-backup', 'link set w0 master bo0'],
    device: 'bo0',
    peerDevice: 'w1',
    witness: 0,
  },
  {
    what: 'team (round robin)',
    pair: true,
    host: ['link add te0 type team'],
    prepare: ({ host }) => {
      host.run(['teamnl', 'te0', 'setoption', 'mode', 'roundrobin'])
      host.ip('link set w0 master te0')
    },
    device: 'te0',
    peerDevice: 'w1',
    witness: 0,
  },
  redundant('HSR', 'hsr0', 'version 1'),
  redundant('PRP', 'prp0', 'proto 1'),
  netkit('l2'),
  netkit('l3'),
  {
    what: 'device in a VRF',
    pair: true,
    host: ['link add vrf0 type vrf table 10', 'link set vrf0 up', 'link set w0 master vrf0'],
    device: 'w0',
    peerDevice: 'w1',
    bind: 'vrf0',
  },
  {
    what: 'MACsec',
    both: [
      'link add ms0 link {dev} type macsec encrypt on',
      'macsec add ms0 tx sa 0 pn 1 on key 01 0000000000000000000000000000000{l}',
      'macsec add ms0 rx port 1 address {rmac}',
      'macsec add ms0 rx port 1 address {rmac} sa 0 pn 1 on key 02 0000000000000000000000000000000{r}',
    ],
    device: 'ms0',
    witness: 32,
  },
  {
    what: 'dummy',
    host: ['link add dum0 type dummy'],
    device: 'dum0',
    alone: true,
    traffic: 'udp,gso',
    witness: { datagrams: 14 },
  },
  ...(['tun', 'tap'] as const).map((kind): Kind => ({
    what: `${kind} with virtio headers`,
    prepare: ({ host, start }) => start(host, 'reader', `${kind}1`, kind),
    // Nobody answers behind it.
    finish:
      kind === 'tap'
        ? [
            'neigh replace 198.18.{n}.2 lladdr {rmac} dev tap1',
            'neigh replace 2001:db8:a{n}::2 lladdr {rmac} dev tap1',
          ]
        : [],
    device: `${kind}1`,
    alone: true,
    traffic: 'udp,gso',
    witness: { datagrams: kind === 'tap' ? 14 : 0 },
  })),
  segments('inline'),
  segments('encap'),
  ...(modes[0] === 'tcx' ? [changed('trim'), changed('grow')] : []),
]

function bridged(device: string): string[] {
  return [`link set ${device} master br0`, `link set ${device} up`]
}
