import t from 'tap'
import { Scrapers } from '../../src/exposition/scrapers.js'

const second = 1_000_000_000n
const connection = (remoteAddress: string) => ({ remoteAddress, destroyed: false })

function setUp() {
  const clock = { now: 1_000n * second }
  return { clock, scrapers: new Scrapers(() => clock.now) }
}

t.test('a scraper sees 0 for what came after its last whole page', (t) => {
  const { scrapers } = setUp()
  const prometheus = connection('192.0.2.1')
  const first = scrapers.begin(prometheus)
  t.equal(first.zeroAfterNs, 1_000n * second, 'at first, after the start')
  first.done(1_010n * second)
  const second_ = scrapers.begin(prometheus)
  t.equal(second_.zeroAfterNs, 1_010n * second)
  // It timed out: what it did not get it has not seen.
  t.equal(scrapers.begin(prometheus).zeroAfterNs, 1_010n * second)
  second_.done(1_005n * second)
  t.equal(scrapers.begin(prometheus).zeroAfterNs, 1_010n * second, 'never back')
  t.end()
})

t.test('a scraper that connects again is the same', (t) => {
  const { scrapers } = setUp()
  const before = connection('192.0.2.1')
  scrapers.begin(before).done(1_010n * second)
  before.destroyed = true
  t.equal(scrapers.begin(connection('192.0.2.1')).zeroAfterNs, 1_010n * second)
  t.end()
})

t.test('a pair is two, on two hosts and on one', (t) => {
  const { scrapers } = setUp()
  for (const [one, other] of [
    ['192.0.2.1', '192.0.2.2'],
    ['192.0.2.3', '192.0.2.3'],
  ] as const) {
    const [a, b] = [connection(one), connection(other)]
    scrapers.begin(a).done(1_010n * second)
    t.equal(scrapers.begin(b).zeroAfterNs, 1_000n * second)
    scrapers.begin(b).done(1_005n * second)
    t.equal(scrapers.begin(a).zeroAfterNs, 1_010n * second)
    t.equal(scrapers.begin(b).zeroAfterNs, 1_005n * second)
  }
  t.end()
})

t.test('in doubt, it has seen more: a counter never falls', (t) => {
  const { scrapers } = setUp()
  const [a, b] = [connection('192.0.2.1'), connection('192.0.2.1')]
  scrapers.begin(a).done(1_010n * second)
  scrapers.begin(b).done(1_005n * second)
  a.destroyed = b.destroyed = true
  t.equal(scrapers.begin(connection('192.0.2.1')).zeroAfterNs, 1_010n * second)
  t.equal(scrapers.begin(connection('192.0.2.1')).zeroAfterNs, 1_005n * second)
  t.end()
})

t.test('who comes first when all runs long sees 0 for what came lately alone', (t) => {
  const { scrapers, clock } = setUp()
  clock.now = 90_000n * second
  t.equal(scrapers.begin(connection('192.0.2.1')).zeroAfterNs, (90_000n - 120n) * second)
  t.end()
})

t.test('many are forgotten, and taken for newcomers that have seen all that those had', (t) => {
  const { scrapers, clock } = setUp()
  scrapers.begin(connection('192.0.2.1')).done(1_010n * second)
  for (let i = 0; i < 64; i++) scrapers.begin(connection(`198.51.100.${i}`))
  clock.now = 1_020n * second
  t.equal(scrapers.begin(connection('192.0.2.1')).zeroAfterNs, 1_010n * second)
  t.end()
})
