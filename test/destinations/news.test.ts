import t from 'tap'
import { parsePrefix } from '../../src/config/prefix.js'
import { rankNews } from '../../src/destinations/news.js'
import { orders, type RankQuery } from '../../src/kernel/ranking.js'
import type { Remembered } from '../../src/memory/rows.js'
import { unknownNetwork } from '../../src/networks/network.js'

const remembered = (destination: string, rest: Partial<Remembered> = {}): Remembered => ({
  ...{ interface: 'eth0', destination, firstSeenMs: 11, lastSeenMs: 13, protocol: 17, port: 53 },
  ...{ packets: 2, bytes: 200, service: null, uid: null, name: null, novelty: null, ...unknownNetwork },
  ...{ status: 'new', acknowledgedMs: null, note: null, ...rest },
})
const announced = [
  remembered('2001:db8::/48', { bytes: 700, lastSeenMs: 17 }),
  remembered('203.0.113.10', { interface: 'wan0', port: 443, firstSeenMs: 7 }),
  remembered('203.0.113.9', { protocol: 6, packets: 3 }),
]
const [, , third] = announced
const active = { ...remembered('203.0.113.9', { packets: 5, bytes: 500 }), ageMs: 1, idleMs: 1 }

/** The names of what a query finds, where the table has but the third. */
async function find(query: Partial<RankQuery>) {
  const asked: RankQuery[] = []
  const rank = (query: RankQuery) => {
    asked.push(query)
    const rows = [{ ...active, packetsPerSecond: 19, bytesPerSecond: 23 }]
    return Promise.resolve({ matched: 1, rows, interfaces: [], services: [] })
  }
  const whole = { order: 'destination', descending: false, offset: 0, limit: 50 } as const
  const { matched, rows } = await rankNews({ rank }, announced, { ...whole, ...query })
  t.match(asked, [{ limit: 3, onlyThese: [{ interface: 'eth0' }, { interface: 'wan0' }, {}] }])
  return { matched, rows, names: rows.map(({ record }) => record.destination) }
}

t.test('each order, and its reverse', async (t) => {
  const v6 = '2001:db8::/48'
  const [nine, ten] = ['203.0.113.9', '203.0.113.10']
  const expected = {
    destination: [nine, ten, v6],
    interface: [nine, v6, ten],
    protocol: [nine, ten, v6],
    port: [nine, v6, ten],
    packets: [ten, v6, nine],
    bytes: [ten, nine, v6],
    packetsPerSecond: [ten, v6, nine],
    bytesPerSecond: [ten, v6, nine],
    firstSeen: [ten, nine, v6],
    lastSeen: [ten, nine, v6],
  }
  for (const order of orders) {
    t.same((await find({ order })).names, expected[order], order)
    t.same((await find({ order, descending: true })).names, expected[order].toReversed(), `-${order}`)
  }
})

t.test('what is active has the counts of the table, and the rest those of the memory', async (t) => {
  const { rows } = await find({ order: 'packets', descending: true })
  t.match(rows, [
    { record: { packets: 5, bytes: 500, packetsPerSecond: 19 }, remembered: third },
    { record: { packets: 2, bytes: 700, packetsPerSecond: 0 }, remembered: { destination: '2001:db8::/48' } },
    { record: { packets: 2, bytes: 200, bytesPerSecond: 0 }, remembered: { interface: 'wan0' } },
  ])
})

t.test('filters, and a part of the list', async (t) => {
  t.same((await find({ search: '113.9' })).names, ['203.0.113.9'])
  t.same((await find({ within: parsePrefix('203.0.113.8/30') })).matched, 2)
  t.same((await find({ within: parsePrefix('2001:db8::/32') })).matched, 1)
  t.same((await find({ within: parsePrefix('2001:db8::/64') })).matched, 0, 'it is larger')
  t.same((await find({ interface: 'wan0' })).names, ['203.0.113.10'])
  t.same((await find({ port: 443 })).names, ['203.0.113.10'])
  t.same((await find({ protocol: 6 })).names, ['203.0.113.9'], 'of the first contact')
  const page = await find({ offset: 1, limit: 1 })
  t.same([page.matched, page.names], [3, ['203.0.113.10']])
})

t.test('news of two services are two, with the counts of the destination', async (t) => {
  const known = [
    remembered('203.0.113.9', { service: 'a.service', firstSeenMs: 7 }),
    remembered('203.0.113.9', { service: 'b.service', firstSeenMs: 19, port: 443 }),
  ]
  const row = { ...active, packetsPerSecond: 19, bytesPerSecond: 23 }
  const rank = () => Promise.resolve({ matched: 1, rows: [row], interfaces: [], services: [] })
  const query = { order: 'firstSeen', descending: true, offset: 0, limit: 50 } as const
  t.match(await rankNews({ rank }, known, query), {
    matched: 2,
    rows: [
      { record: { firstSeenMs: 19, port: 443, packets: 5 }, remembered: { service: 'b.service' } },
      { record: { firstSeenMs: 7, port: 53, packets: 5 }, remembered: { service: 'a.service' } },
    ],
  })
})
