import { readFileSync } from 'node:fs'
import t from 'tap'
import { cellText, columns, columnsOf, sortKeyOf, tableFields } from '../../src/destinations/columns.js'
import { destinationRow, rememberedRow, sortKeys, storedFields } from '../../src/destinations/fields.js'

const record = {
  interface: 'eth0',
  destination: '192.0.2.1',
  protocol: 6,
  port: 443,
  packets: 23,
  bytes: 2311,
  firstSeenMs: 1_000,
  lastSeenMs: 0,
  ageMs: 0,
  idleMs: 0,
  packetsPerSecond: 1.26,
  bytesPerSecond: 0,
}
const remembered = {
  interface: 'eth0',
  destination: '192.0.2.1',
  protocol: 58,
  port: 0,
  packets: 29,
  bytes: 2903,
  firstSeenMs: 1_000,
  lastSeenMs: 2_000,
  service: 'backup.service',
  uid: 34,
  name: 'www.example.test',
  novelty: 'network',
  network: 'aws/s3',
  asn: 64500,
  asName: 'Example',
  country: 'NL',
  status: 'acknowledged',
  acknowledgedMs: 3_000,
  note: 'backup',
} as const

t.test('a row of the table', async (t) => {
  const row = destinationRow(record, undefined)
  t.strictSame(row, {
    interface: 'eth0',
    destination: '192.0.2.1',
    protocol: 'tcp',
    port: 443,
    status: null,
    packets_per_second: 1.3,
    bytes_per_second: 0,
    first_seen: '1970-01-01T00:00:01.000Z',
    last_seen: '1970-01-01T00:00:01.000Z',
    packets: 23,
    bytes: 2311,
    note: null,
    service: null,
    uid: null,
    name: null,
    novelty: null,
    network: null,
    asn: null,
    as_name: null,
    country: null,
  })
  t.match(destinationRow(record, remembered), {
    service: 'backup.service',
    uid: 34,
    status: 'acknowledged',
    note: 'backup',
  })
  t.equal(columns.map((column) => cellText(column, row))[2], 'tcp 443')
  const network = (changes: object) => columns.map((column) => cellText(column, { ...row, ...changes }))[5]
  t.equal(network({ network: 'aws/s3', as_name: 'Amazon', country: 'NL' }), 'aws/s3 NL')
  t.equal(network({ network: 'AS64500', as_name: 'Example' }), 'AS64500 Example')
  const titles = (rows: (typeof row)[]) => columnsOf(rows).map(({ title }) => title)
  t.notOk(titles([row]).includes('Network'))
  t.ok(titles([row, { ...row, country: 'NL' }]).includes('Network'))
  t.notOk(titles([row, { ...row, name: '' }]).includes('Name'))
  t.ok(titles([row, { ...row, name: 'www.example.test' }]).includes('Name'))
})

t.test('a row of the memory', async (t) => {
  t.strictSame(rememberedRow(remembered), {
    interface: 'eth0',
    destination: '192.0.2.1',
    protocol: 'icmpv6',
    port: null,
    status: 'acknowledged',
    first_seen: '1970-01-01T00:00:01.000Z',
    last_seen: '1970-01-01T00:00:02.000Z',
    packets: 29,
    bytes: 2903,
    acknowledged: '1970-01-01T00:00:03.000Z',
    note: 'backup',
    service: 'backup.service',
    uid: 34,
    name: 'www.example.test',
    novelty: 'network',
    network: 'aws/s3',
    asn: 64500,
    as_name: 'Example',
    country: 'NL',
  })
})

t.test('CSV keeps its columns, and the table shows no others', async (t) => {
  t.equal(
    storedFields.join(','),
    'interface,destination,protocol,port,status,first_seen,last_seen,packets,bytes,acknowledged,note,service,uid,network,asn,as_name,country,novelty,name',
  )
  t.same(
    tableFields.filter((name) => !storedFields.includes(name)),
    [],
  )
})

t.test('docs/api.md names each sort key, and each column sorts by one of them or by none', async (t) => {
  const [, keys = ''] = /\| `sort` +\| (.*?);/.exec(readFileSync('docs/api.md', 'utf8')) ?? []
  t.same([...keys.matchAll(/`(\w+)`/g)].map(([, key]) => key).sort(), [...sortKeys].sort())
  for (const column of columns) {
    const key = sortKeyOf(column)
    t.ok(
      key === undefined
        ? ['status', 'service', 'name', 'network'].includes(column.field)
        : sortKeys.includes(key),
      column.title,
    )
  }
})
