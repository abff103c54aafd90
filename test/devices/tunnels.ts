import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/await.js'
import { addresses, mac } from '../support/network.js'
import { temporaryFolder } from '../support/memory.js'
import type { Ends, Kind } from './kind.js'
import { traffic } from './lab.js'

/** An Ethernet header and that of IPv4, or of IPv6, around a packet. */
const [over4, over6] = [14 + 20, 14 + 40]

/** A tunnel whose packets have so many bytes more beneath it. */
function tunnel(
  what: string,
  name: string,
  type: string,
  witness: NonNullable<Kind['witness']>,
  more: Partial<Kind> = {},
): Kind {
  return { what, both: [`link add ${name} type ${type}`], device: name, witness, ...more }
}

/** IPv6 multicast has no neighbour there, and is dropped after it was counted. */
const quiet = (name: string) => ({
  prepare: ({ host, peer }: Ends) => {
    for (const end of [host, peer]) end.ip(`link set ${name} multicast off`)
  },
})

const [ends4, ends6] = ['local {l4} remote {r4}', 'local {l6} remote {r6}']

function wireguard(ends: Ends): void {
  const folder = temporaryFolder(ends)
  const wg = (command: string, input = '') =>
    execFileSync('wg', [command], { encoding: 'utf8', input }).trim()
  const keys = { host: wg('genkey'), peer: wg('genkey') }
  for (const [own, other] of [
    ['host', 'peer'],
    ['peer', 'host'],
  ] as const) {
    const file = join(folder, own)
    writeFileSync(file, keys[own])
    const peer = ['peer', wg('pubkey', keys[other]), 'allowed-ips', '0.0.0.0/0,::/0']
    const endpoint = ['endpoint', `${addresses[other].v4}:51820`]
    ends[own].run(['wg', 'set', 'wg0', 'listen-port', '51820', 'private-key', file, ...peer, ...endpoint])
  }
}

async function shakeHands({ host }: Ends, [to = '']: readonly string[]): Promise<void> {
  traffic(host, ['send', 'udp', '', to])
  await eventually(() => assert.doesNotMatch(host.run(['wg', 'show', 'wg0', 'latest-handshakes']), /\t0$/m))
}

/** The other end's outer IPv6 address as the link address that ip takes. */
const link6 = '20:01:0d:b8:00:51:00:00:00:00:00:00:00:00:00:0{r}'

/** Devices that put packets into others. */
export const tunnels: readonly Kind[] = [
  tunnel('VXLAN over IPv4', 'vx4', `vxlan id 7 dstport 4789 ${ends4} dev {dev}`, over4 + 16),
  tunnel('VXLAN over IPv6', 'vx6', `vxlan id 8 dstport 4790 ${ends6} dev {dev}`, over6 + 16),
  tunnel('GENEVE', 'gv0', 'geneve id 7 remote {r4}', over4 + 16),
  tunnel(
    'GENEVE without an inner Ethernet header',
    'gv1',
    'geneve id 8 remote {r4} innerprotoinherit',
    over4 + 16,
  ),
  tunnel(
    'VXLAN without an inner Ethernet header, ends by route',
    'vx9',
    'vxlan dstport 4791 external gpe',
    over4 + 16,
    {
      families: ['v4'],
      finish: ['link set vx9 mtu 1450', 'route replace 198.18.{n}.{r}/32 encap ip id 7 dst {r4} dev vx9'],
    },
  ),
  tunnel('ipip', 'ipip1', `ipip ${ends4}`, over4, { families: ['v4'] }),
  tunnel('sit (IPv4 and IPv6 over IPv4)', 'sit1', `sit mode any ${ends4}`, over4),
  tunnel('GRE', 'gre1', `gre ${ends4}`, over4 + 4),
  tunnel('GRE with key, checksum, number', 'gre2', `gre ${ends4} key 5 csum seq`, over4 + 16),
  tunnel('GRE without a remote', 'gre3', 'gre local {l4} key 9', over4 + 8, {
    ...quiet('gre3'),
    finish: ['198.18.{n}.{r}', '2001:db8:a{n}::{r}'].map(
      (to) => `neigh replace ${to} lladdr {r4} dev gre3 nud permanent`,
    ),
  }),
  tunnel(
    'GRE with a multicast remote',
    'gre4',
    'gre local {l4} remote 239.9.9.9 key 11 dev {dev}',
    over4 + 8,
    {
      families: ['v4'],
      traffic: 'udp,gso',
      finish: ['neigh replace 198.18.{n}.{r} lladdr {r4} dev gre4 nud permanent'],
    },
  ),
  tunnel('GRE, ends by route', 'gre5', 'gre external', over4 + 8, {
    families: ['v4'],
    // The device knows of no key that would take four bytes.
    finish: ['link set gre5 mtu 1472', 'route replace 198.18.{n}.{r}/32 encap ip id 7 dst {r4} key dev gre5'],
  }),
  tunnel('gretap', 'gt1', `gretap ${ends4} key 21`, over4 + 8),
  tunnel('ERSPAN', 'er1', `erspan seq key 30 ${ends4} erspan_ver 1 erspan 123`, over4 + 16),
  tunnel('ip6gre', 'g61', `ip6gre ${ends6}`, over6 + 12),
  tunnel('ip6gre without a remote', 'g62', 'ip6gre local {l6} remote :: key 13', over6 + 16, {
    ...quiet('g62'),
    traffic: 'udp,gso',
    witness: { datagrams: 0 },
    finish: ['198.18.{n}.{r}', '2001:db8:a{n}::{r}'].map(
      (to) => `neigh replace ${to} lladdr ${link6} dev g62 nud permanent`,
    ),
  }),
  tunnel('ip6gretap', 'gt6', `ip6gretap ${ends6} key 21`, over6 + 16),
  tunnel('ip6tnl', 't61', `ip6tnl mode any ${ends6}`, over6 + 8),
  tunnel('ip6tnl without encapsulation limit', 't62', `ip6tnl mode any encaplimit none ${ends6}`, over6),
  // Its own statistics have header, checksum and padding to 16 bytes, and the handshake.
  tunnel('WireGuard', 'wg0', 'wireguard', { own: [32, 47] }, { prepare: wireguard, first: shakeHands }),
  {
    what: 'PPP (PPPoE)',
    prepare: async ({ host, peer, start }) => {
      await start(host, 'pppoe', 'veth0', mac.peer.replaceAll(':', ''), '7')
      await start(peer, 'pppoe', 'veth1', mac.host.replaceAll(':', ''), '7')
      for (const end of [host, peer]) end.ip('link set ppp0 mtu 1492')
    },
    device: 'ppp0',
    witness: 14 + 6 + 2,
  },
  {
    what: 'L2TP over UDP',
    both: [
      'l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap udp local {l4} remote {r4} udp_sport 1701 udp_dport 1701',
      'l2tp add session name l2e0 tunnel_id 1 session_id 1 peer_session_id 1',
    ],
    device: 'l2e0',
    witness: over4 + 8 + 12,
  },
  {
    what: 'L2TP over IP',
    both: [
      'l2tp add tunnel tunnel_id 2 peer_tunnel_id 2 encap ip local {l4} remote {r4}',
      'l2tp add session name l2e1 tunnel_id 2 session_id 2 peer_session_id 2',
    ],
    device: 'l2e1',
    witness: over4 + 8,
  },
]
