import t from 'tap'
import { ScrapeRhythm, type Scraper } from '../../src/exposition/scrape-rhythm.js'
import { seeded } from '../support/random.js'

function setUp() {
  const clock = { seconds: 1_000 }
  const rhythm = new ScrapeRhythm(() => clock.seconds * 1000)
  /** Visits after so many seconds each; what the last one was told, in seconds. */
  const visits = (name: string, gaps: number[], timeoutMs = 0) => {
    let told = 0
    for (const gap of gaps) {
      clock.seconds += gap
      told = rhythm.visit({ name, timeoutMs }) / 1000
    }
    return told
  }
  return { clock, visits }
}

/** What an interval in seconds comes to. */
const held = (interval: number) => interval * 1.5 + 1

t.test('one that came once has the interval that Prometheus has by default, or its timeout', (t) => {
  const { visits } = setUp()
  t.equal(visits('a', [0]), held(60))
  t.equal(visits('b', [0], 80_000), held(80))
  t.end()
})

t.test('the slowest decides, and later ones that are slower', (t) => {
  const { visits } = setUp()
  t.equal(visits('a', [0, 15]), held(15))
  t.equal(visits('b', [0]), held(60))
  t.equal(visits('b', [5]), held(15))
  t.equal(visits('b', [30, 30]), held(30))
  t.equal(visits('a', [1]), held(66), 'it was not here for so long')
  t.end()
})

t.test('an interval is not shorter than the timeout, and not longer than the lookback', (t) => {
  const { visits } = setUp()
  t.equal(visits('a', [0, 1, 1, 1], 10_000), held(10))
  t.equal(visits('b', [0, 900]), held(300))
  t.equal(visits('b', [900, 900, 900], Infinity), held(300))
  t.end()
})

t.test('a break is no rhythm', (t) => {
  const { visits } = setUp()
  t.equal(visits('a', [0, 2, 2, 2, 2]), held(2))
  t.equal(visits('a', [120, 0.01, 0.01, 2]), held(2))
  t.equal(visits('a', [2, 2, 2]), held(2))
  t.end()
})

t.test('two that look like one are seen by the longer of their gaps', (t) => {
  const { visits } = setUp()
  t.equal(visits('pair', [0, 20, 40, 20, 40, 20]), held(40))
  t.end()
})

t.test('who has not come for an hour is forgotten, and so is the first of more than 64', (t) => {
  const { visits } = setUp()
  visits('slow', [0, 120])
  t.equal(visits('a', [0, 2]), held(120))
  t.equal(visits('a', [3_599, 2, 2, 2]), held(2))
  const many = setUp()
  many.visits('slow', [0, 200])
  const others = Array.from({ length: 64 }, (_, index) => String(index))
  for (const other of others) many.visits(other, [0, 1])
  t.equal(many.visits('0', [1]), held(64))
  t.end()
})

/** The rule of native/zero_first.h for one destination. */
function destination() {
  let zeroSince: number | undefined
  let revealed = false
  return (nowMs: number, zeroForMs: number) => {
    if (zeroSince !== undefined && nowMs - zeroSince >= zeroForMs) revealed = true
    zeroSince ??= nowMs
    return revealed
  }
}

t.test('each scraper in its rhythm sees each destination as 0 and then as it is; none sees it fall', (t) => {
  const random = seeded(31)
  const between = (from: number, to: number) => from + random() * (to - from)
  const simulatedMs = 3_600_000
  let falls = 0
  let missed = 0
  let seen = 0
  for (let round = 0; round < 60; round++) {
    const clock = { ms: 0 }
    const rhythm = new ScrapeRhythm(() => clock.ms)
    // In every third round two and two are pairs behind a proxy.
    const pairs = round % 3 === 0
    const intervals = Array.from({ length: 6 }, () => between(5_000, 120_000))
    const scrapers = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, index) => ({
      scraper: { name: String(pairs ? index >> 1 : index), timeoutMs: 1_000 } satisfies Scraper,
      intervalMs: intervals[pairs ? index & ~1 : index] ?? 0,
      nextMs: between(0, 120_000),
      // Every second round has breaks, in which a scraper misses what it misses.
      breakMs: round % 2 === 0 ? Infinity : between(0, simulatedMs),
      values: new Map<number, number>(),
    }))
    const destinations: { bornMs: number; page: ReturnType<typeof destination> }[] = []
    while (clock.ms < simulatedMs) {
      const [next] = scrapers.toSorted((a, b) => a.nextMs - b.nextMs)
      if (!next) break
      clock.ms = next.nextMs
      // Scrapes are late now and then, and one comes twice.
      next.nextMs += next.intervalMs * (random() < 0.02 ? 0.001 : between(0.95, 1.1))
      if (next.nextMs > next.breakMs) {
        next.nextMs += between(0, 600_000)
        next.breakMs = Infinity
      }
      if (clock.ms >= destinations.length * 30_000)
        destinations.push({ bornMs: clock.ms, page: destination() })
      const zeroForMs = rhythm.visit(next.scraper)
      for (const [id, { page }] of destinations.entries()) {
        const value = page(clock.ms, zeroForMs) ? 1 : 0
        const before = next.values.get(id)
        if (before !== undefined && value < before) falls++
        // All have been met twice, and nobody has a break.
        if (before === undefined && round % 2 === 0 && (destinations[id]?.bornMs ?? 0) > 480_000) {
          seen++
          if (value !== 0) missed++
        }
        next.values.set(id, value)
      }
    }
  }
  t.equal(falls, 0)
  t.equal(missed, 0, `of ${seen}`)
  t.ok(seen > 5_000)
  t.end()
})
