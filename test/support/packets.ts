import ipaddr from 'ipaddr.js'
import { ethernetFrame } from './network.js'

/** Packets in hexadecimal, as traffic.py sends them. But for that of the IPv4 header, which bridges look at, checksums are left at zero. */

export const protocols = { tcp: 6, udp: 17, icmpv6: 58 } as const

const hex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0')
const addressHex = (address: string) => Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')
const bytesIn = (text: string) => text.length / 2

/** RFC 768 */
export function udp(port: number, payload = 'abcdef'): string {
  return hex(40000, 2) + hex(port, 2) + hex(8 + bytesIn(payload), 2) + '0000' + payload
}

/** RFC 9293, section 3.1, from a port of this host's. */
export function tcp(fromPort: number, flags: 'syn' | 'syn-ack' | 'ack'): string {
  const bits = { syn: 0x02, 'syn-ack': 0x12, ack: 0x10 }[flags]
  return hex(fromPort, 2) + hex(443, 2) + '0'.repeat(16) + '50' + hex(bits, 1) + '0400' + '00000000'
}

/** The header of a TCP segment with data: ACK, and 12 bytes of no-operation. */
export function tcpData(payload: string): string {
  return '9c4001bb' + '00000001'.repeat(2) + '8010ffff' + '00000000' + '01'.repeat(12) + payload
}

/** RFC 8200, section 4: next header, length in units of eight bytes after the first, padding. */
export const extension = (next: number, units = 0): string =>
  hex(next, 1) + hex(units, 1) + '00'.repeat(6 + 8 * units)

/**
 * struct virtio_net_hdr, include/uapi/linux/virtio_net.h: checksum needed, VIRTIO_NET_HDR_GSO_*, then
 * numbers in host byte order.
 *
 * @param segment bytes of payload of each packet
 * @param start of the transport header in the frame
 */
export function virtioHeader(type: number, segment: number, start: number, transport: 'tcp' | 'udp'): string {
  const native = (value: number) => Buffer.from(Uint16Array.of(value).buffer).toString('hex')
  const { length, checksum } = { tcp: { length: 32, checksum: 16 }, udp: { length: 8, checksum: 6 } }[
    transport
  ]
  return '01' + hex(type, 1) + [start + length, segment, start, checksum].map(native).join('')
}

interface Ipv4 {
  to: string
  protocol?: number
  payload?: string
  /** A multiple of four bytes. */
  options?: string
  /** In units of eight bytes; with `more`, the flag that others follow. */
  fragment?: { offset: number; more: boolean }
}

/** RFC 791, section 3.1 */
export function ipv4({
  to,
  protocol = protocols.udp,
  payload = udp(53),
  options = '',
  fragment,
}: Ipv4): string {
  const headerBytes = 20 + bytesIn(options)
  const flags = fragment ? (fragment.more ? 0x2000 : 0) | fragment.offset : 0
  const header = (checksum: number) =>
    hex(0x40 | (headerBytes / 4), 1) +
    '00' +
    hex(headerBytes + bytesIn(payload), 2) +
    '0001' +
    hex(flags, 2) +
    '40' +
    hex(protocol, 1) +
    hex(checksum, 2) +
    addressHex('198.51.100.1') +
    addressHex(to) +
    options
  return header(internetChecksum(header(0))) + payload
}

/** RFC 1071 */
function internetChecksum(text: string): number {
  const words = text.match(/.{4}/g) ?? []
  return 0xffff - (words.reduce((sum, word) => sum + parseInt(word, 16), 0) % 0xffff)
}

interface Ipv6 {
  to: string
  next?: number
  payload?: string
}

/** RFC 8200, section 3; extension headers are part of the payload. */
export function ipv6({ to, next = protocols.udp, payload = udp(53) }: Ipv6): string {
  return (
    '60000000' +
    hex(bytesIn(payload), 2) +
    hex(next, 1) +
    '40' +
    addressHex('2001:db8:51::1') +
    addressHex(to) +
    payload
  )
}

/** As many Ethernet frames to an IPv4 address, as traffic.py's `frames` sends them. */
export const framesTo = (to: string, count: number): string =>
  Array<string>(count)
    .fill(ethernetFrame('0800', ipv4({ to })))
    .join('\n')
