// What new destinations cost on a disk whose fsync takes 20 ms, beside the revision before the memory got
// a thread of its own.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { program, programIn } from '../../scripts/program.js'
import { root } from '../../scripts/root.js'
import { inNamespace } from '../lab.js'
import { againstLimit, median } from '../statistics.js'
import { measureAcknowledgement } from './acknowledgement.js'
import { buildRevision, machineNode } from './revision.js'

const revision = '6285d63'
const rates = [100, 300, 1_000, 5_000]
const fsyncMs = 20
/** A scrape that took longer is given up. */
const deadlineMs = 30_000
const atOnce = 100_000

/**
 * @param rounds.seconds for which new destinations come
 * @param rounds.stalls how often a stall is measured
 * @returns rows of { what, theirs, ours, ratio, target, note }
 */
export async function measureMemory({ seconds, stalls }) {
  const folder = buildRevision(revision)
  const before = (...nodeFlags) => programIn(folder, machineNode(), ...nodeFlags)
  const libraries = mkdtempSync(join(tmpdir(), 'egress-bench-'))
  try {
    const library = join(libraries, 'slow_disk.so')
    const source = join(root, 'bench/memory/slow_disk.c')
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source])
    const preload = [`LD_PRELOAD=${library}`, `FSYNC_MS=${fsyncMs}`]
    const rows = []
    for (const rate of rates) {
      const [theirs, ours] = [
        await spray({ build: before, preload }, rate, seconds),
        await spray({ build: program, preload }, rate, seconds),
      ]
      rows.push(...compare(rate, theirs, ours))
    }
    const [theirs, ours] = [[], []]
    for (let round = 0; round < stalls; round++) {
      theirs.push(await stall({ build: before, preload }))
      ours.push(await stall({ build: program, preload }))
    }
    const what = `${atOnce.toLocaleString('en')} destinations at once: longest stall of the event loop, ms`
    rows.push(againstLimit(what, 5, ours, formerly(median(theirs))))
    return [...rows, ...(await measureAcknowledgement(before, program))]
  } finally {
    rmSync(libraries, { recursive: true })
  }
}

const formerly = (figure) => `${revision}: ${figure.toFixed(0)}`

function compare(rate, theirs, ours) {
  const p99 = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]
  const slowest = (times) => Math.max(...times)
  const figure = (times) =>
    slowest(times) >= deadlineMs ? `none within ${deadlineMs / 1000} s` : `${slowest(times).toFixed(0)} ms`
  const what = `${rate.toLocaleString('en')} new destinations a second`
  return [
    againstLimit(
      `${what}: slowest scrape, ms`,
      1_000,
      [slowest(ours.scrapes)],
      `${revision}: ${figure(theirs.scrapes)}; ${ours.scrapes.length} scrapes, median ${median(ours.scrapes).toFixed(0)} ms`,
    ),
    againstLimit(
      `${what}: /-/healthy, 99th percentile, ms`,
      20,
      [p99(ours.health)],
      formerly(p99(theirs.health)),
    ),
  ]
}

const flagsFor = (lab) => [
  '--baseline.period=0',
  '--poll.interval=1s',
  `--audit.file=${join(lab.storage, 'audit')}`,
]

/** New destinations at a rate, and how the exporter answers meanwhile. */
function spray({ build, preload }, rate, seconds) {
  return inNamespace(async (lab) => {
    const flags = [...flagsFor(lab), '--destinations.limit=20000', '--destinations.idle-timeout=5s']
    const { url } = await lab.startExporter(0, { build, preload, flags })
    const traffic = [
      'test/support/traffic.py',
      'spray-frames',
      'bench0',
      String(rate * seconds),
      String(rate),
    ]
    lab.start(['python3', ...traffic], 'ignore')
    const client = ['bench/memory/client.js', url, String(seconds), String(deadlineMs)]
    return JSON.parse(lab.run(process.execPath, ...client))
  })
}

/** The longest stall of the main thread while it meets so many at once, until all are remembered; in ms. */
function stall({ build, preload }) {
  return inNamespace(async (lab) => {
    const flags = [...flagsFor(lab), `--destinations.limit=${1.2 * atOnce}`]
    const exporter = await lab.startExporter(0, { build, preload, flags })
    await exporter.stallMs()
    const traffic = ['test/support/traffic.py', 'spray-frames', 'bench0', String(atOnce)]
    lab.run('python3', ...traffic)
    const audit = join(lab.storage, 'audit')
    for (;;) {
      const lines = existsSync(audit) ? readFileSync(audit, 'latin1').split('\n').length - 1 : 0
      if (lines >= atOnce) return exporter.stallMs()
      await setTimeout(500)
    }
  })
}
