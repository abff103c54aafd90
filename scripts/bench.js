// npm run bench: what a packet, a scrape and a start cost, beside the alternatives; see bench/README.md.
// npm run bench:check: fails where a ratio misses its target twice; with --slack=2, twice its target.
// npm run bench:memory: the same of the memory on a slow disk, beside an earlier revision.
// With --quick all take fewer rounds; with --write the table goes to docs/.
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { measureKernel } from '../bench/kernel/index.js'
import { measureMemory } from '../bench/memory/index.js'
import { measurePage } from '../bench/page.js'
import { measureScrapes } from '../bench/scrape/index.js'
import { measureStart } from '../bench/start.js'
import { median, range } from '../bench/statistics.js'
import { writeGenerated } from './generated.js'

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean' },
    slack: { type: 'string', default: '1' },
    quick: { type: 'boolean' },
    memory: { type: 'boolean' },
    write: { type: 'boolean' },
  },
})
const rounds = flags.quick
  ? { kernel: 3, scrape: 5, start: 3, page: 3, memory: { seconds: 15, stalls: 1 } }
  : { kernel: 7, scrape: 11, start: 5, page: 7, memory: { seconds: 60, stalls: 5 } }
const minutes = flags.memory ? ['five', 'fifteen'] : ['three', 'five']

console.error(`egress-exporter: measuring (about ${minutes[flags.quick ? 0 : 1]} minutes)`)
const measurements = flags.memory
  ? [() => measureMemory(rounds.memory)]
  : [
      () => measureKernel(rounds.kernel),
      () => measureScrapes(rounds.scrape),
      () => measureStart(rounds.start),
      () => measurePage(rounds.page),
    ]
const slack = Number(flags.slack)
const misses = ({ ratio, target }) => !(ratio <= slack * target)
const rows = []
for (const measure of measurements) {
  let measured = await measure()
  if (flags.check && measured.some(misses)) {
    // A busy neighbour can do that once.
    for (const { what, ratio } of measured.filter(misses))
      console.error(`egress-exporter: ${what}: ratio ${ratio.toFixed(3)}: measuring again`)
    measured = await measure()
  }
  rows.push(...measured)
}
const figure = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const span = (values) =>
  values.length === 1
    ? figure(values[0])
    : `${figure(median(values))} (${range(values).map(figure).join('–')})`
const [cpu] = cpus()
const table = [
  `${cpu.model}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
  '',
  '| what | the other, or the limit | ours | ratio | target | |',
  '|---|---|---|---|---|---|',
  ...rows.map(({ what, theirs, ours, ratio, target, note }) => {
    const met = ratio <= target ? '' : ' (missed)'
    return `| ${what} | ${span(theirs)} | ${span(ours)} | ${ratio.toFixed(3)} | ${target.toFixed(3)}${met} | ${note} |`
  }),
].join('\n')
console.log(table)
if (flags.write) await writeGenerated('docs/performance.md', flags.memory ? 'bench:memory' : 'bench', table)
if (flags.check) {
  const missed = rows.filter(misses)
  for (const { what, ratio, target } of missed)
    console.error(
      `egress-exporter: ${what}: ratio ${ratio.toFixed(3)} is above ${slack} times ${target.toFixed(3)}`,
    )
  process.exitCode = missed.length === 0 ? 0 : 1
}
