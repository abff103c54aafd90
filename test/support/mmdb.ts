import { parsePrefix } from '../../src/config/prefix.js'

type Value = string | number | { readonly [key: string]: Value }
type Node = [Node | number | undefined, Node | number | undefined]

/** A control byte and what it tells of: https://maxmind.github.io/MaxMind-DB/, "Output Data Section". */
function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    if (bytes.length > 284) throw new Error('longer texts are not written here')
    const size = bytes.length < 29 ? [(2 << 5) | bytes.length] : [(2 << 5) | 29, bytes.length - 29]
    return Buffer.concat([Buffer.from(size), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([Buffer.from([(6 << 5) | 4]), bytes])
  }
  const entries = Object.entries(value)
  const parts = entries.flatMap(([key, member]) => [encode(key), encode(member)])
  return Buffer.concat([Buffer.from([(7 << 5) | entries.length]), ...parts])
}

/**
 * An MMDB file with records of 24 bits. Longer prefixes come after those that they lie in.
 *
 * @param ipVersion 4 or 6; in one of 6, IPv4 addresses are `::/96`
 */
export function mmdb(ipVersion: 4 | 6, records: readonly (readonly [string, Value])[]): Buffer {
  const root: Node = [undefined, undefined]
  records.forEach(([cidr], index) => {
    const { bytes, length } = parsePrefix(cidr)
    const padding = ipVersion === 6 && bytes.length === 4 ? 96 : 0
    const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
    const path = ('0'.repeat(padding) + bits.slice(0, length)).split('').map(Number) as (0 | 1)[]
    let node = root
    for (const bit of path.slice(0, -1)) {
      const next = node[bit]
      node = Array.isArray(next) ? next : (node[bit] = [next, next])
    }
    node[path.at(-1) ?? 0] = index
  })
  const nodes: Node[] = []
  const number = (node: Node): number => {
    const place = nodes.push(node) - 1
    for (const next of node) if (Array.isArray(next)) number(next)
    return place
  }
  number(root)
  const data = records.map(([, value]) => encode(value))
  const places = data.map((_, index) => data.slice(0, index).reduce((sum, one) => sum + one.length, 0))
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.forEach((node, index) =>
    node.forEach((next, side) => {
      const empty = nodes.length
      const pointer = Array.isArray(next)
        ? nodes.indexOf(next)
        : next === undefined
          ? empty
          : empty + 16 + (places[next] ?? 0)
      tree.writeUIntBE(pointer, index * 6 + side * 3, 3)
    }),
  )
  const metadata = {
    ...{ node_count: nodes.length, record_size: 24, ip_version: ipVersion, database_type: 'Test' },
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1, languages: {} },
    description: { en: 'of a test' },
  }
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, encode(metadata)])
}
