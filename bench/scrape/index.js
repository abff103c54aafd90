// A scrape over loopback HTTP to the last byte, beside prom-client with the same series; and what the
// exporter takes of memory and of its event loop meanwhile.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { median } from '../statistics.js'

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
  const row = (what, ours, limit, note = '') => ({
    what: `scrape, 100,000 destinations: ${what}`,
    theirs: [limit],
    ours,
    ratio: median(ours) / limit,
    target: 1,
    note,
  })
  return [
    row('longest stall of the event loop, ms', stalls, 10),
    row('MiB resident after more than ten', [one], 110),
    row(`MiB resident after ${concurrent} at once`, [twenty], 1.5 * one),
    row(`ms each of ${concurrent} at once`, each, 1.5 * median(single), 'of one alone, times 1.5'),
  ]
}

/** A network namespace of its own: only what is sent in it is counted. Ends with all that runs in it. */
export async function inNamespace(use) {
  const name = `egress-bench-${process.pid}`
  const ip = (args, within = []) => execFileSync('ip', [...within, ...args.split(' ')])
  ip(`netns add ${name}`)
  const lab = new Lab(name)
  try {
    for (const args of ['link set lo up', 'link add bench0 type veth peer name bench1'])
      ip(args, ['-n', name])
    for (const end of ['bench1', 'bench0']) ip(`link set ${end} up`, ['-n', name])
    return await use(lab)
  } finally {
    await lab.stop()
    ip(`netns delete ${name}`)
  }
}

class Lab {
  #inside
  #children = []
  #storage = mkdtempSync(join(tmpdir(), 'egress-bench-'))

  constructor(name) {
    this.#inside = [`--net=/run/netns/${name}`]
  }

  run(...command) {
    return execFileSync('nsenter', [...this.#inside, ...command], { encoding: 'utf8', maxBuffer: 2 ** 30 })
  }

  start(command, stdio) {
    const child = spawn('nsenter', [...this.#inside, ...command], { stdio })
    this.#children.push(child)
    return child
  }

  /** An exporter whose table holds so many destinations. */
  async startExporter(destinations) {
    const flags = [
      ...['--interface=bench0', '--web.listen-address=127.0.0.1:0', `--storage.path=${this.#storage}`],
      ...(destinations > 0 ? [`--destinations.limit=${Math.ceil(destinations * 1.2)}`] : []),
    ]
    const command = [process.execPath, '--import', './bench/scrape/stall.js', 'dist/main.js', ...flags]
    const child = this.start(command, ['ignore', 'ignore', 'pipe'])
    const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
    const url = await nextMatch(lines, /url=(\S+)/)
    if (destinations > 0)
      this.run('python3', 'test/support/traffic.py', 'spray-frames', 'bench0', String(destinations))
    this.exporter = {
      url,
      memoryMiB() {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
        return Math.round(/VmRSS:\s+(\d+)/.exec(status)[1] / 1024)
      },
      async stallMs() {
        child.kill('SIGUSR2')
        return Number(await nextMatch(lines, /stall_ms=(\S+)/))
      },
    }
    return this.exporter
  }

  /** A server of the same series by prom-client. */
  async startPromClient(page) {
    const child = this.start([process.execPath, 'bench/scrape/prom-client.js'], ['pipe', 'pipe', 'inherit'])
    child.stdin.end(page)
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return {
      url: `http://127.0.0.1:${await nextMatch(lines, /^(\d+)$/)}/`,
      stop: () => stop(child),
    }
  }

  /** In turn, within one process: a round of the one, a round of the other. */
  scrape(urls, rounds, { atOnce = 1, coding = 'identity' } = {}) {
    const client = ['bench/scrape/client.js', String(rounds), String(atOnce), coding, ...urls]
    return JSON.parse(this.run(process.execPath, ...client))
  }

  async stop() {
    for (const child of this.#children) await stop(child)
    rmSync(this.#storage, { recursive: true })
  }
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

async function nextMatch(lines, pattern) {
  for (;;) {
    const { value, done } = await lines.next()
    if (done) throw new Error(`it ended before it said ${pattern}`)
    const [, found] = pattern.exec(value) ?? []
    if (found !== undefined) return found
  }
}
