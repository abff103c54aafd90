import Database from 'better-sqlite3'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import { formatPrefix, type Prefix, parsePrefix } from '../../src/config/prefix.js'
import { type Selection, where } from '../../src/memory/selection.js'
import { Store } from '../../src/memory/store.js'
import { placed } from '../support/memory.js'

const interfaces = ['eth0', 'eth1']

function storeOf(t: { teardown(action: () => unknown): void }, destinations: readonly string[]) {
  const store = new Store()
  t.teardown(() => store.close())
  store.transaction(() => {
    destinations.forEach((destination, index) => {
      const seen = placed(destination, { interface: interfaces[index % interfaces.length] ?? '' })
      store.insert(seen, 'new')
    })
  })
  return (selection: Selection) => [...store.select(selection)].map(({ destination }) => destination).sort()
}

/** The same numbers in each run: a multiplicative generator, Lehmer's with the modulus of a Mersenne prime. */
let seed = 1
const random = (below: number) => (seed = (seed * 48_271) % 0x7fff_ffff) % below

/** Few different bytes, most of them 0, so that many addresses share their start, and are compressed. */
const randomBytes = (length: number) =>
  Uint8Array.from({ length }, () => [0, 0, 0, 1, 0x10, 0x20, 0xdb, 0xff][random(8)] ?? 0)

function randomPrefix(): Prefix {
  const bytes = randomBytes(random(2) === 0 ? 4 : 16)
  const length = random(bytes.length * 8 + 1)
  const masked = bytes.map((byte, index) => byte & (0xff00 >> Math.min(Math.max(length - index * 8, 0), 8)))
  return parsePrefix(formatPrefix({ bytes: masked, length }))
}

const bits = ({ bytes, length }: Prefix) =>
  [...bytes]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, length)

/** By its bits. */
const liesWithin = (inner: Prefix, outer: Prefix) =>
  inner.bytes.length === outer.bytes.length && bits(inner).startsWith(bits(outer))

t.test('exactly what lies within a prefix is selected: addresses and prefixes, of both families', (t) => {
  const rows = new Map<string, Prefix>()
  while (rows.size < 1_000) {
    const prefix =
      random(3) === 0
        ? randomPrefix()
        : parsePrefix(ipaddr.fromByteArray([...randomBytes(random(2) === 0 ? 4 : 16)]).toString())
    const isAddress = prefix.length === prefix.bytes.length * 8
    const text = formatPrefix(prefix)
    rows.set(isAddress ? text.replace(/\/\d+$/, '') : text, prefix)
  }
  const selected = storeOf(t, [...rows.keys()])
  let found = 0
  for (let round = 0; round < 300; round++) {
    const within = Array.from({ length: 1 + random(2) }, randomPrefix)
    const expected = [...rows].filter(([, inner]) => within.some((outer) => liesWithin(inner, outer)))
    found += expected.length
    const names = expected.map(([destination]) => destination).sort()
    if (JSON.stringify(selected({ within })) !== JSON.stringify(names)) {
      t.same(selected({ within }), names, within.map(formatPrefix).join())
    }
  }
  t.ok(found > 5_000, `${found} lie within something`)
  t.end()
})

t.test('"::" may stand for any zeros after the start that is common', (t) => {
  const destinations = [
    '2001:db8::1',
    '2001:db8:1::',
    '2001:db8:0:1::/64',
    '2001:db8::/32',
    '2001:d::1',
    '2001::1',
  ]
  const selected = storeOf(t, destinations)
  const within = (prefix: string) => selected({ within: [parsePrefix(prefix)] })
  t.same(within('2001:db8::/32'), ['2001:db8:0:1::/64', '2001:db8:1::', '2001:db8::/32', '2001:db8::1'])
  t.same(within('2001:db8::/48'), ['2001:db8:0:1::/64', '2001:db8::1'])
  t.same(within('2001::/32'), ['2001::1'])
  t.same(within('2001::/16'), destinations.toSorted())
  t.same(within('::/1'), destinations.toSorted())
  t.same(within('0.0.0.0/0'), [])
  t.end()
})

t.test('a prefix is found by the primary key, beside as many others as there are', (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  database.exec(
    'CREATE TABLE destinations (interface, destination, PRIMARY KEY (interface, destination)) WITHOUT ROWID',
  )
  const reads = (...prefixes: string[]) => {
    const { sql, parameters, functions } = where({ within: prefixes.map(parsePrefix) })
    for (const [name, call] of functions) database.function(name, call)
    const plan = database.prepare<unknown[], { detail: string }>(
      `EXPLAIN QUERY PLAN SELECT * FROM destinations WHERE ${sql}`,
    )
    return plan
      .all(...parameters)
      .map(({ detail }) => detail)
      .filter(
        (detail) => / destinations\b.*destination/.test(detail) || detail.startsWith('SCAN destinations'),
      )
  }
  const byRange = 'SEARCH destinations USING PRIMARY KEY (interface=? AND destination>? AND destination<?)'
  const byName = 'SEARCH destinations USING PRIMARY KEY (interface=? AND destination=?)'
  t.same(reads('203.0.113.0/24'), [byRange])
  t.same(reads('203.0.112.0/20', '2001:db8::/33', '192.0.2.7'), [byRange, byRange, byName])
  t.same(reads('::/0'), ['SCAN destinations'])
  t.end()
})
