import ipaddr from 'ipaddr.js'

/** Packets in hexadecimal, as traffic.py sends them. Checksums are left at zero: nobody here checks them. */

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
  return (
    hex(0x40 | (headerBytes / 4), 1) +
    '00' +
    hex(headerBytes + bytesIn(payload), 2) +
    '0001' +
    hex(flags, 2) +
    '40' +
    hex(protocol, 1) +
    '0000' +
    addressHex('198.51.100.1') +
    addressHex(to) +
    options +
    payload
  )
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
