import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Store } from '../../src/memory/store.js'
import { program } from '../support/exporter.js'
import { placed, temporaryFolder } from '../support/memory.js'

/** Node hangs where it would end. */
const hang = "data:text/javascript,process.on('exit', () => { for (;;); })"
const complaint = 'egress-exporter: Node.js hangs at its end, with all done: it ends without waiting for it\n'

const cases: [string[], number, RegExp][] = [
  [['check', '--json'], 77, /"usable": false/],
  [['cleanup', '--dry-run'], 0, /^nothing is left behind$/m],
  [['destinations', `--storage.path=${temporaryFolder(t)}`], 1, /^$/],
  [['top', '--once', '--url=http://127.0.0.1:1'], 1, /^$/],
  [['--version'], 0, /^\d/],
  [['--interface=nonexistent'], 77, /^$/],
]

function start(...args: string[]) {
  const [node, ...flags] = program
  const child = spawn(node, ['--import', hang, ...flags, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  return { child, ended: once(child, 'exit') }
}

t.test(
  'all that is said and done, it ends though Node hangs, with its exit code',
  { jobs: cases.length },
  (t) => {
    for (const [args, code, output] of cases) {
      t.test(args.join(' '), async (t) => {
        const { child, ended } = start(...args)
        const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
        t.same(await ended, [code, null], stderr)
        t.match(stdout, output)
        t.ok(stderr.endsWith(complaint), stderr)
      })
    }
    t.end()
  },
)

t.test('who reads slowly gets all', async (t) => {
  const folder = temporaryFolder(t)
  const store = new Store(folder)
  // More than a pipe holds.
  const addresses = Array.from({ length: 1009 }, (_, i) => `203.0.${113 + (i >> 8)}.${i & 255}`)
  for (const address of addresses) store.insert(placed(address), 'new')
  store.close()
  const { child, ended } = start('destinations', '--json', `--storage.path=${folder}`)
  child.stderr.resume()
  await once(child.stdout, 'readable')
  // Longer than the process would have to end if all were read.
  await sleep(6_000)
  const listed = JSON.parse(await text(child.stdout)) as { destination: string }[]
  t.same(listed.map(({ destination }) => destination).sort(), addresses.sort())
  t.same(await ended, [0, null])
})
