// The time of a scrape over loopback HTTP to the last byte, against prom-client with the same series.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { median, range } from '../statistics.js'

/** Runs in a network namespace of its own: only what it sends is counted. */
export async function measureScrape(destinations, rounds) {
  const name = `egress-bench-${process.pid}`
  const ip = (args, within = []) => execFileSync('ip', [...within, ...args.split(' ')])
  const inside = ['nsenter', `--net=/run/netns/${name}`]
  const children = []
  const start = (command, stdio) => {
    const child = spawn(inside[0], [inside[1], ...command], { stdio })
    children.push(child)
    return child
  }
  ip(`netns add ${name}`)
  try {
    for (const args of ['link set lo up', 'link add bench0 type veth peer name bench1'])
      ip(args, ['-n', name])
    for (const end of ['bench1', 'bench0']) ip(`link set ${end} up`, ['-n', name])
    const exporter = start(
      [
        process.execPath,
        'dist/cli/main.js',
        '--interface=bench0',
        `--destinations.limit=${Math.ceil(destinations * 1.2)}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      ['ignore', 'ignore', 'pipe'],
    )
    const url = await firstMatch(exporter.stderr, /url=(\S+)/)
    execFileSync(inside[0], [
      inside[1],
      ...['python3', 'test/support/traffic.py', 'spray-frames', 'bench0', String(destinations)],
    ])
    const get = (target) => [
      ...[inside[0], inside[1], process.execPath, 'bench/scrape/client.js'],
      ...[target, String(rounds)],
    ]
    const page = run(['nsenter', inside[1], 'curl', '--silent', '--fail', url])
    const client = start([process.execPath, 'bench/scrape/prom-client.js'], ['pipe', 'pipe', 'inherit'])
    client.stdin.end(page)
    const port = await firstMatch(client.stdout, /^(\d+)$/)
    // In turn, within one process: a round of the one, a round of the other.
    const both = JSON.parse(run([...get(url), `http://127.0.0.1:${port}/`]))
    const status = run(['cat', `/proc/${exporter.pid}/status`])
    return {
      what: `scrape, ${destinations.toLocaleString('en')} destinations: ms`,
      theirs: both[1],
      ours: both[0],
      ratio: median(both[0]) / median(both[1]),
      target: destinations >= 100_000 ? 1 / 30 : 1 / 20,
      range: range(both[0]),
      note: `${(median(both[1]) / median(both[0])).toFixed(0)} times faster; ${Math.round(/VmRSS:\s+(\d+)/.exec(status)[1] / 1024)} MiB resident after ${rounds + 2} scrapes; page ${(page.length / 1e6).toFixed(1)} MB`,
    }
  } finally {
    for (const child of children) {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    ip(`netns delete ${name}`)
  }
}

const run = ([file, ...args]) => execFileSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })

async function firstMatch(stream, pattern) {
  for await (const line of createInterface({ input: stream })) {
    const [, found] = pattern.exec(line) ?? []
    if (found !== undefined) {
      stream.resume()
      return found
    }
  }
  throw new Error(`it ended before it said ${pattern}`)
}
