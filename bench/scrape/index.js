// A scrape over loopback HTTP to the last byte, beside prom-client with the same series; and what the
// exporter takes of memory and of its event loop meanwhile.
import { inNamespace } from '../lab.js'
import { againstLimit, median } from '../statistics.js'

/** Times faster than prom-client, without and with gzip. */
const targets = { 10_000: { identity: 20, gzip: 6 }, 100_000: { identity: 30, gzip: 10 } }
const concurrent = 20

/** @returns rows of { what, theirs, ours, ratio, target, note } */
export async function measureScrapes(rounds) {
  const small = await inNamespace((lab) => againstPromClient(lab, 10_000, rounds))
  const large = await inNamespace(async (lab) => {
    const rows = await againstPromClient(lab, 100_000, rounds)
    return [...rows, ...(await cost(lab, rounds))]
  })
  const [hundredThousand] = large
  const million = await inNamespace(async (lab) => {
    const exporter = await lab.startExporter(1_000_000)
    const [times] = lab.scrape([exporter.url], 3)
    const ratio = median(times) / median(hundredThousand.ours)
    return {
      what: 'scrape, 1,000,000 destinations against 100,000: ms',
      theirs: hundredThousand.ours,
      ours: times,
      ratio,
      target: 15,
      note: `${exporter.memoryMiB()} MiB resident`,
    }
  })
  return [...small, ...large, million]
}

async function againstPromClient(lab, destinations, rounds) {
  const exporter = await lab.startExporter(destinations)
  const page = lab.run('curl', '--silent', '--fail', exporter.url)
  const rival = await lab.startPromClient(page)
  const rows = Object.entries(targets[destinations]).map(([coding, times]) => {
    const [ours, theirs] = lab.scrape([exporter.url, rival.url], rounds, { coding })
    return {
      what: `scrape, ${destinations.toLocaleString('en')} destinations, ${coding}: ms`,
      theirs,
      ours,
      ratio: median(ours) / median(theirs),
      target: 1 / times,
      note: `${(median(theirs) / median(ours)).toFixed(0)} times faster; page of ${(page.length / 1e6).toFixed(1)} MB`,
    }
  })
  await rival.stop()
  return rows
}

/** What scrapes of an exporter that is there already cost it. */
async function cost(lab, rounds) {
  const exporter = lab.exporter
  const stalls = []
  await exporter.stallMs()
  for (let round = 0; round < rounds; round++) {
    lab.scrape([exporter.url], 1)
    stalls.push(await exporter.stallMs())
  }
  const one = exporter.memoryMiB()
  const [single] = lab.scrape([exporter.url], rounds)
  const [many] = lab.scrape([exporter.url], 3, { atOnce: concurrent })
  const each = many.map((time) => time / concurrent)
  const twenty = exporter.memoryMiB()
  const row = (what, ours, limit, note) =>
    againstLimit(`scrape, 100,000 destinations: ${what}`, limit, ours, note)
  return [
    row('longest stall of the event loop, ms', stalls, 10),
    row('MiB resident after more than ten', [one], 110),
    row(`MiB resident after ${concurrent} at once`, [twenty], 1.5 * one),
    row(`ms each of ${concurrent} at once`, each, 1.5 * median(single), 'of one alone, times 1.5'),
  ]
}
