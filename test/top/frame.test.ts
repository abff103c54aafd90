import t from 'tap'
import { renderFrame, renderLines, renderTable, rowsThatFit } from '../../src/top/frame.js'
import type { DestinationRow } from '../../src/destinations/fields.js'
import type { DestinationsList, ListQuery } from '../../src/destinations/list.js'

const row = (changes: Partial<DestinationRow>): DestinationRow => ({
  interface: 'eth0',
  destination: '192.0.2.1',
  protocol: 'tcp',
  port: 443,
  service: 'nginx.service',
  uid: 33,
  novelty: null,
  name: 'www.example.test',
  network: 'AS64500',
  asn: 64500,
  as_name: 'Example',
  country: 'NL',
  status: 'baseline',
  packets_per_second: 23,
  bytes_per_second: 29_123,
  packets: 31,
  bytes: 37_000,
  first_seen: '2026-01-02T03:04:05.678Z',
  last_seen: '2026-01-02T03:04:06.678Z',
  note: null,
  ...changes,
})
const rows = [
  row({}),
  row({
    destination: '2001:db8:1234:5678:9abc:def0:1234:5678',
    status: 'new',
    port: null,
    protocol: 'icmpv6',
    packets_per_second: 0,
    bytes_per_second: 0,
  }),
]
const list: DestinationsList = {
  time: '2026-01-02T03:04:07.000Z',
  baseline_end: '2026-01-01T00:00:00.000Z',
  unacknowledged: 1,
  total: 41,
  matched: 2,
  offset: 0,
  destinations: rows,
  services: [],
  interfaces: [
    {
      interface: 'eth0',
      packets: 43,
      bytes: 47,
      packets_per_second: 999,
      bytes_per_second: 1_234_567,
      destinations: 41,
      unlisted: {},
    },
  ],
}
const query: ListQuery = { sort: '-bytes_per_second', limit: 50, offset: 0, search: '192' }
const view = { source: 'http://localhost:10191', query, paused: false, typing: undefined, problem: undefined }
const shape = { columns: 160, rows: 24, colours: false }

t.test('a frame has a head of totals, and a line for each destination', async (t) => {
  const [totals, controls, empty, head, first, second, ...rest] = renderFrame(list, view, {
    ...shape,
    columns: 200,
  })
  t.equal(
    totals,
    '03:04:07 UTC  1.2M bytes/s  999 packets/s  2 of 41 destinations, 1 new  (http://localhost:10191)',
  )
  t.match(controls, /^search: 192 {2}\| {2}s sort/)
  t.equal(empty, '')
  t.match(
    head,
    /^DESTINATION +INTERFACE +FIRST +SENDER +NAME +NETWORK +PACKETS\/s +BYTES\/s▼ +PACKETS +BYTES +FIRST SEEN +STATUS/,
  )
  t.match(
    first,
    /^192.0.2.1 +eth0 +tcp 443 +nginx\.service +www\.example\.test +AS64500 Example NL +23 +29\.1k +31 +37000 +2026-01-02 03:04:05 +baseline/,
  )
  t.match(
    second,
    /^2001:db8:1234:5678:9abc:def0:1234:5678 eth0 +icmpv6 +nginx\.service +www\.example\.test +AS64500 Example NL +0 +0 /,
  )
  t.same(rest, [])
})

t.test('where no destination has a name or a network there is no column for them', async (t) => {
  const without = { ...list, destinations: [row({ name: '', network: null, as_name: null, country: null })] }
  t.match(renderTable(without, query)[0], /SENDER +PACKETS/)
})

t.test('no line is wider than the screen, and columns go before addresses do', async (t) => {
  for (let columns = 20; columns <= 160; columns++) {
    const lines = renderFrame(list, view, { ...shape, columns })
    t.ok(
      lines.every((line) => line.length <= columns),
      `${columns} columns`,
    )
  }
  const [, , , head = '', first = ''] = renderFrame(list, view, { ...shape, columns: 60 })
  t.match(head, /^DESTINATION +PACKETS\/s BYTES\/s▼/)
  t.match(first, /^192.0.2.1 +23 +29\.1k$/)
  t.equal(renderFrame(list, view, { ...shape, rows: 5 }).length, 5)
  t.equal(rowsThatFit({ rows: 2 }), 1)
})

t.test('colours only where they are wanted', async (t) => {
  const plain = renderFrame(list, view, shape).join('\n')
  const coloured = renderFrame(list, view, { ...shape, colours: true }).join('\n')
  t.notMatch(plain, '\x1b')
  t.match(coloured, '\x1b[33m2001:db8')
})

t.test('what a terminal would obey is not shown to it', async (t) => {
  const evil = { ...list, destinations: [row({ interface: 'e\x1b[2Jé' })] }
  t.match(renderFrame(evil, view, shape).join(''), 'e?[2J?')
})

t.test('problems, a search that is being typed, and a pause are seen', async (t) => {
  t.equal(renderFrame(list, { ...view, problem: 'nobody answers' }, shape)[1], 'nobody answers')
  t.match(renderFrame(list, { ...view, typing: '19' }, shape)[1], /^search: 19_ /)
  t.match(renderFrame(list, { ...view, paused: true }, shape)[1], /\| {2}paused {2}\|/)
})

t.test('lines for a pipe', async (t) => {
  t.same(renderLines(list), ['2026-01-02T03:04:07.000Z eth0 192.0.2.1 tcp/443 23 packets/s 29123 bytes/s'])
  t.equal(renderTable(list, query).length, 3)
})
