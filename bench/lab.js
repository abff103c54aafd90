// Where exporters are measured: a network namespace, its processes, and a scraper.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { program } from '../scripts/program.js'
import { root } from '../scripts/root.js'

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
  /** A folder that goes with it. */
  storage = mkdtempSync(join(tmpdir(), 'egress-bench-'))

  constructor(name) {
    this.#inside = [`--net=/run/netns/${name}`]
  }

  /** The command line that runs a command inside. */
  command(...command) {
    return ['nsenter', ...this.#inside, ...command]
  }

  run(...command) {
    const [file, ...args] = this.command(...command)
    return execFileSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  }

  start(command, stdio) {
    const [file, ...args] = this.command(...command)
    const child = spawn(file, args, { stdio })
    this.#children.push(child)
    return child
  }

  /** An exporter whose table holds so many destinations; by default today's, with no flags beside its own. */
  async startExporter(destinations, { build = program, flags: more = [], preload = [] } = {}) {
    const flags = [
      ...['--interface=bench0', '--web.listen-address=127.0.0.1:0', `--storage.path=${this.storage}`],
      ...(destinations > 0 ? [`--destinations.limit=${Math.ceil(destinations * 1.2)}`] : []),
      ...more,
    ]
    const command = ['env', ...preload, ...build('--import', join(root, 'bench/scrape/stall.js')), ...flags]
    const child = this.start(command, ['ignore', 'ignore', 'pipe'])
    const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
    const url = await nextMatch(lines, /url=(\S+)/)
    if (destinations > 0) await this.#fill(url, destinations)
    this.exporter = {
      url,
      stop: () => stop(child),
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

  /** Until the page has them: a destination is shown once it is remembered. */
  async #fill(url, destinations) {
    this.run('python3', 'test/support/traffic.py', 'spray-frames', 'bench0', String(destinations))
    for (;;) {
      const shown = this.run('curl', '--silent', '--fail', url).match(/^egress_packets_total/gm)
      if (shown?.length >= destinations) return
      await setTimeout(100)
    }
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
    rmSync(this.storage, { recursive: true })
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
