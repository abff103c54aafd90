// What it takes to acknowledge one address, and one prefix, beside a million others.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { inNamespace } from '../lab.js'
import { againstLimit } from '../statistics.js'

const rows = 1_000_000
const chosen = { address: '2001:db8::7:777', prefix: '203.0.113.0/24' }

/** Runs a command for a minute at most, and prints its seconds and the KiB that it had resident at most. */
const measured = `
import resource, subprocess, sys, time
start = time.monotonic()
try:
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, timeout=60)
except subprocess.TimeoutExpired:
    pass
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
`

/** @returns rows of { what, theirs, ours, ratio, target, note } */
export async function measureAcknowledgement(before, program) {
  const [theirs, ours] = [await acknowledge(before), await acknowledge(program)]
  return Object.keys(chosen).flatMap((what) => {
    const title = `\`destinations ack\` of one ${what} beside ${rows.toLocaleString('en')}`
    return [
      againstLimit(`${title}: s`, 1, [ours[what].seconds], `before: ${theirs[what].seconds.toFixed(1)}`),
      againstLimit(`${title}: MiB resident`, 120, [ours[what].mib], `before: ${theirs[what].mib.toFixed(0)}`),
    ]
  })
}

function acknowledge(build) {
  return inNamespace(async (lab) => {
    // It makes the database.
    const exporter = await lab.startExporter(0, { build })
    await setTimeout(1_000)
    await exporter.stop()
    const database = new Database(join(lab.storage, 'destinations.db'))
    const insert = `INSERT INTO destinations (interface, destination, first_seen_ms, last_seen_ms, protocol, port,
      packets, bytes, life, packets_before, bytes_before, status)`
    database
      .prepare(
        `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows})
        ${insert} SELECT 'bench0', printf('2001:db8::%x:%x', n / 65536, n % 65536), n, n, 17, 53, 1, 60, '', 0, 0, 'new'
        FROM numbers`,
      )
      .run()
    database.prepare(`${insert} VALUES ('bench0', '203.0.113.7', 1, 1, 17, 53, 1, 60, '', 0, 0, 'new')`).run()
    database.close()
    const measure = (what) => {
      const command = [...build(), 'destinations', 'ack', what, `--storage.path=${lab.storage}`]
      const printed = execFileSync('python3', ['-c', measured, ...command], { encoding: 'utf8' })
      const [seconds, kib] = printed.split(' ').map(Number)
      return { seconds, mib: kib / 1024 }
    }
    return Object.fromEntries(Object.entries(chosen).map(([name, what]) => [name, measure(what)]))
  })
}
