// npm run bench: what a packet and a scrape cost, beside the alternatives; see bench/README.md.
import { cpus, release, totalmem } from 'node:os'
import { measureKernel } from '../bench/kernel/index.js'
import { measureScrape } from '../bench/scrape/index.js'
import { median, range } from '../bench/statistics.js'
import { setup } from './setup.js'

const kernelRounds = 7
const scrapeRounds = 9

setup({ test: true })
console.error('egress-exporter: measuring (about three minutes)')
const rows = [
  ...measureKernel(kernelRounds),
  await measureScrape(10_000, scrapeRounds),
  await measureScrape(100_000, scrapeRounds),
]
const [cpu] = cpus()
console.log(
  `${cpu.model}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}\n`,
)
const figure = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0))
const span = (values) => `${figure(median(values))} (${range(values).map(figure).join('–')})`
console.log('| what | the other | ours | ratio | target | |')
console.log('|---|---|---|---|---|---|')
for (const { what, theirs, ours, ratio, target, note } of rows) {
  const met = ratio <= target ? '' : ' (missed)'
  console.log(
    `| ${what} | ${span(theirs)} | ${span(ours)} | ${ratio.toFixed(3)} | ${target.toFixed(3)}${met} | ${note} |`,
  )
}
