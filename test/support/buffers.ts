import { release } from 'node:os'
import { ethernetFrame } from './network.js'
import { extension, ipv4, ipv6, protocols, tcpData, udp, virtioHeader } from './packets.js'

/** Oversized buffers whose sender leaves the number of segments open, as virtual machines do. */

/** Whether this kernel is as new as that. */
export function isSince(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release().split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

export interface BufferKind {
  readonly what: string
  readonly since?: readonly [major: number, minor: number]
  /** EtherType, behind tags if there are any. */
  readonly ethertype: string
  readonly packet: (to: string) => string
  readonly transport: 'tcp' | 'udp'
  /** VIRTIO_NET_HDR_GSO_* */
  readonly type: number
  /** Between the IPv6 header and the transport header. */
  readonly extensions?: number
  readonly segment?: number
  readonly packets: number
  /** Of each packet. */
  readonly headers: number
  /** What is sent beside the payload, once. */
  readonly more?: number
  /** Not looked behind: it has no destination. */
  readonly notIp?: true
}

export const payloadBytes = 7777
const [ethernet, tcpHeader] = [14, 32]
const payload = 'ab'.repeat(payloadBytes)
const tcp4 = (to: string) => ipv4({ to, protocol: protocols.tcp, payload: tcpData(payload) })
const tcp6 = (to: string) => ipv6({ to, next: protocols.tcp, payload: tcpData(payload) })
const udp4 = (to: string) => ipv4({ to, payload: udp(53, payload) })
const udp6 = (to: string) => ipv6({ to, payload: udp(53, payload) })
const options6 = (to: string) =>
  ipv6({ to, next: 60, payload: extension(protocols.tcp, 1) + tcpData(payload) })
const [ip4, ip6] = [{ ethertype: '0800' }, { ethertype: '86dd' }]
const tcpOver4 = { packet: tcp4, transport: 'tcp', type: 1, packets: 8 } as const
const tcpOver6 = { packet: tcp6, transport: 'tcp', type: 4, packets: 8 } as const
const fragments = { transport: 'udp', type: 3, packets: 8, more: 8 } as const
const datagrams = { transport: 'udp', type: 5, since: [6, 2] } as const

const kinds: readonly BufferKind[] = [
  { what: 'TCP over IPv4', ...ip4, ...tcpOver4, headers: ethernet + 20 + tcpHeader },
  { what: 'TCP over IPv6', ...ip6, ...tcpOver6, headers: ethernet + 40 + tcpHeader },
  {
    what: 'TCP behind destination options',
    ...{ ...ip6, ...tcpOver6, packet: options6, extensions: 16 },
    headers: ethernet + 40 + 16 + tcpHeader,
  },
  {
    what: 'TCP behind two tags',
    ...{ ethertype: '88a8 0007 8100 0008 86dd', ...tcpOver6 },
    headers: ethernet + 8 + 40 + tcpHeader,
  },
  {
    what: 'TCP behind three tags',
    ...{ ethertype: '88a8 0007 8100 0008 8100 0009 0800', ...tcpOver4, notIp: true },
    headers: ethernet + 12 + 20 + tcpHeader,
  },
  { what: 'fragments over IPv4', ...ip4, ...fragments, packet: udp4, headers: ethernet + 20 },
  { what: 'fragments over IPv6', ...ip6, ...fragments, packet: udp6, headers: ethernet + 40 + 8 },
  { what: 'datagrams over IPv4', ...ip4, ...datagrams, packet: udp4, packets: 8, headers: ethernet + 20 + 8 },
  { what: 'datagrams over IPv6', ...ip6, ...datagrams, packet: udp6, packets: 8, headers: ethernet + 40 + 8 },
  {
    what: 'datagrams of 113 bytes',
    ...{ ...ip6, ...datagrams, packet: udp6, segment: 113, packets: 69 },
    headers: ethernet + 40 + 8,
  },
]

/** The frame behind a virtio header that says how it is to be cut, as packet sockets and tap take it. */
export function buffer(
  { ethertype, packet, transport, type, extensions = 0, segment = 1000 }: BufferKind,
  to: string,
) {
  const link = 12 + ethertype.replaceAll(' ', '').length / 2
  const start = link + extensions + (ethertype.endsWith('86dd') ? 40 : 20)
  return virtioHeader(type, segment, start, transport) + ethernetFrame(ethertype, packet(to))
}

/** The kinds that this kernel has, each with a destination of its own. */
export const buffers = kinds
  .filter(({ since }) => !since || isSince(...since))
  .map((kind, index) => ({
    kind,
    to: kind.ethertype.endsWith('86dd') ? `2001:db8:113::${index + 1}` : `203.0.113.${index + 1}`,
  }))
