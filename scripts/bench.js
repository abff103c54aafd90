// npm run bench: what a packet, a scrape and a start cost, beside the alternatives; see bench/README.md.
// npm run bench:check: fails where a ratio misses its target; with --slack=2, twice its target.
// With --quick both take fewer rounds.
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { measureKernel } from '../bench/kernel/index.js'
import { measurePage } from '../bench/page.js'
import { measureScrapes } from '../bench/scrape/index.js'
import { measureStart } from '../bench/start.js'
import { median, range } from '../bench/statistics.js'
import { setup } from './setup.js'

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean' },
    slack: { type: 'string', default: '1' },
    quick: { type: 'boolean' },
  },
})
const rounds = flags.quick
  ? { kernel: 3, scrape: 5, start: 3, page: 3 }
  : { kernel: 7, scrape: 11, start: 5, page: 7 }

setup({ test: true })
console.error(`egress-exporter: measuring (about ${flags.quick ? 'three' : 'five'} minutes)`)
const rows = [
  ...measureKernel(rounds.kernel),
  ...(await measureScrapes(rounds.scrape)),
  ...(await measureStart(rounds.start)),
  ...(await measurePage(rounds.page)),
]
const [cpu] = cpus()
console.log(
  `${cpu.model}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}\n`,
)
const figure = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const span = (values) =>
  values.length === 1
    ? figure(values[0])
    : `${figure(median(values))} (${range(values).map(figure).join('–')})`
console.log('| what | the other, or the limit | ours | ratio | target | |')
console.log('|---|---|---|---|---|---|')
for (const { what, theirs, ours, ratio, target, note } of rows) {
  const met = ratio <= target ? '' : ' (missed)'
  console.log(
    `| ${what} | ${span(theirs)} | ${span(ours)} | ${ratio.toFixed(3)} | ${target.toFixed(3)}${met} | ${note} |`,
  )
}
if (flags.check) {
  const slack = Number(flags.slack)
  const missed = rows.filter(({ ratio, target }) => !(ratio <= slack * target))
  for (const { what, ratio, target } of missed)
    console.error(
      `egress-exporter: ${what}: ratio ${ratio.toFixed(3)} is above ${slack} times ${target.toFixed(3)}`,
    )
  process.exitCode = missed.length === 0 ? 0 : 1
}
