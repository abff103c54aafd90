import { BlockList, isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A set of addresses that share their first bits. */
export interface Prefix {
  /** The address in network byte order: 4 bytes for IPv4, 16 for IPv6. */
  readonly bytes: Uint8Array
  /** How many leading bits count. */
  readonly length: number
}

/** `::ffff:0:0/96`, RFC 4291, section 2.5.5.2: packets to such an address are IPv4. */
const mapped = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], length: 96 }

/**
 * Reads a prefix in CIDR notation (RFC 4632, section 3.1; RFC 4291, section 2.3), or an address alone,
 * which stands for itself. One of IPv4-mapped addresses is the IPv4 prefix that it means.
 *
 * @throws Error for anything else, bits set after the prefix included: they show a mistake
 */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const lengthText = slash < 0 ? undefined : text.slice(slash + 1)
  // isIP accepts a zone ("fe80::1%eth0"), which no packet carries.
  if (isIP(address) === 0 || address.includes('%')) {
    throw new Error(`'${text}' is not a CIDR prefix: write 192.0.2.0/24 or 2001:db8::/32`)
  }
  const bytes = bytesOf(address)
  const bits = bytes.length * 8
  const length = lengthText === undefined ? bits : Number(lengthText)
  if (lengthText !== undefined && !(/^(0|[1-9]\d{0,2})$/.test(lengthText) && length <= bits)) {
    throw new Error(`'${text}' is not a CIDR prefix: its length must be a number from 0 to ${bits}`)
  }
  if (hasBitsAfter(bytes, length)) {
    const network = bytes.map((byte, index) => byte & maskByte(length - index * 8))
    throw new Error(
      `'${text}' has bits set after its prefix: write ${formatPrefix({ bytes: network, length })}`,
    )
  }
  if (bits > 32 && length >= mapped.length && mapped.bytes.every((byte, index) => byte === bytes[index])) {
    return { bytes: bytes.subarray(mapped.bytes.length), length: length - mapped.length }
  }
  return { bytes, length }
}

/** Of what isIP() takes for an address. By hand: a list may have a hundred thousand. */
function bytesOf(address: string): Uint8Array {
  if (!address.includes(':')) return Uint8Array.of(...address.split('.').map(Number))
  const bytes = new Uint8Array(16)
  const gap = address.indexOf('::')
  bytes.set(bytesOfGroups(gap < 0 ? address : address.slice(0, gap)))
  if (gap < 0) return bytes
  const tail = bytesOfGroups(address.slice(gap + 2))
  bytes.set(tail, bytes.length - tail.length)
  return bytes
}

/** Of what is on one side of `::`; it may end as an IPv4 address does. */
function bytesOfGroups(text: string): number[] {
  const bytes: number[] = []
  for (const group of text === '' ? [] : text.split(':')) {
    if (group.includes('.')) return [...bytes, ...group.split('.').map(Number)]
    const number = Number.parseInt(group, 16)
    bytes.push(number >> 8, number & 0xff)
  }
  return bytes
}

function hasBitsAfter(bytes: Uint8Array, length: number): boolean {
  for (let index = length >> 3; index < bytes.length; index++)
    if ((bytes[index] ?? 0) & ~maskByte(length - index * 8)) return true
  return false
}

/** An address as it is shown, whichever way it is written: `2001:db8::1`; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined
  return addressOf(parsePrefix(text))
}

/** The first address of a prefix. */
export const addressOf = ({ bytes }: Prefix): string => ipaddr.fromByteArray([...bytes]).toString()

/** A prefix in CIDR notation. */
export const formatPrefix = (prefix: Prefix): string => `${addressOf(prefix)}/${prefix.length}`

/**
 * Whether a destination, an address or a prefix, lies in a prefix. Natively: it may be asked of a million.
 *
 * @returns the question, which takes a destination as it is shown
 */
export function contains(prefix: Prefix): (destination: string) => boolean {
  const family = prefix.bytes.length === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(addressOf(prefix), prefix.length, family)
  return (destination) => {
    if (destination.includes(':') !== (family === 'ipv6')) return false
    const slash = destination.indexOf('/')
    if (slash < 0) return list.check(destination, family)
    const isLonger = Number(destination.slice(slash + 1)) >= prefix.length
    return isLonger && list.check(destination.slice(0, slash), family)
  }
}

/** One byte of a mask whose first `bits` bits (negative: none, above 8: all) are set. */
function maskByte(bits: number): number {
  return (0xff00 >> Math.min(Math.max(bits, 0), 8)) & 0xff
}
