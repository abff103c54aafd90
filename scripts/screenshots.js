// npm run screenshots: the pictures in README, of a host (a network namespace) with some traffic.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { withBrowser } from './browser.js'
import { program } from './program.js'
import { root } from './root.js'
import { makeUnits } from './units.js'

const namespace = `egress-screenshots-${process.pid}`
const baselineSeconds = 20
const url = 'http://127.0.0.1:10191/'
/** So many packets of so many bytes each second, to many, and later to a few more. */
const traffic = `
import math, os, random, socket, sys, time
random.seed(11)
def sender_of(cgroup):
    with open(cgroup + '/cgroup.procs', 'w') as procs:
        procs.write(str(os.getpid()))
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    return sender
web, backup, transient = map(sender_of, sys.argv[1:])
known = [('::ffff:203.0.113.%d' % n, 443) for n in range(10, 60)] + [('2001:db8:53::%d' % n, 53) for n in range(1, 20)]
known += [('::ffff:198.51.100.%d' % n, 123) for n in range(1, 30)]
random.shuffle(known)
weights = [1 / (n + 1) for n in range(len(known))]
begin = time.monotonic()
while time.monotonic() - begin < 100:
    since = time.monotonic() - begin
    count = int(30 * (2 + math.sin(since / 4) + random.random()))
    for to in random.choices(known, weights, k=count):
        sender = backup if to[1] == 123 else web
        sender.sendto(bytes(random.randint(20, 1300)), to)
    if since > ${baselineSeconds + 5} and random.random() < 0.2:
        backup.sendto(bytes(700), ('::ffff:198.51.100.223', 8443))
        transient.sendto(bytes(90), ('2001:db8:bad::7', 4444))
    time.sleep(0.1)
`

const networks =
  'customers: [203.0.113.0/25]\ndns-provider: [2001:db8:53::/48]\nntp-pool: [198.51.100.0/26]\n'

const { units, remove: removeUnits } = makeUnits('nginx.service', 'backup.service', 'run-u7.service')
const folder = mkdtempSync(join(tmpdir(), 'egress-screenshots-'))
const inside = [`--net=/run/netns/${namespace}`]
const run = (...command) => execFileSync('nsenter', [...inside, ...command])
const children = []
const start = (...command) =>
  children.push(spawn('nsenter', [...inside, ...command], { stdio: ['ignore', 'ignore', 'inherit'] }))

mkdirSync(join(root, 'docs/images'), { recursive: true })
execFileSync('ip', ['netns', 'add', namespace])
try {
  for (const args of [
    'link set lo up',
    'link add eth0 type veth peer name far',
    'link set far up',
    'link set eth0 up',
    'addr add 192.0.2.10/24 dev eth0',
    'addr add 2001:db8::10/64 dev eth0 nodad',
    'neigh add 192.0.2.1 lladdr 02:00:00:00:00:02 dev eth0',
    'neigh add 2001:db8::1 lladdr 02:00:00:00:00:02 dev eth0',
    'route add default via 192.0.2.1',
    'route add default via 2001:db8::1',
  ])
    run('ip', ...args.split(' '))
  const networksFile = join(folder, 'networks.yml')
  writeFileSync(networksFile, networks)
  const flags = [
    ...[`--storage.path=${folder}/memory`, `--baseline.period=${baselineSeconds}s`, '--log.level=warn'],
    `--networks.file=${networksFile}`,
  ]
  const exporter = [...program(), ...flags]
  start('unshare', '--uts', 'sh', '-c', 'hostname web1 && exec "$@"', 'sh', ...exporter)
  start('python3', '-c', traffic, ...Object.values(units))

  const shots = [
    { name: 'page', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { name: 'page-phone', colorScheme: 'dark', viewport: { width: 390, height: 760 } },
  ]
  await setTimeout(2_000)
  await withBrowser(['nsenter', ...inside, 'chromium'], async (browser) => {
    const pages = []
    for (const { name, ...options } of shots) {
      const context = await browser.newContext({ ...options, deviceScaleFactor: 1.5 })
      const page = await context.newPage()
      await page.goto(url)
      pages.push({ name, page })
    }
    console.error('egress-exporter: watching for a minute, so that there is something to see')
    await setTimeout(65_000)
    for (const { name, page } of pages) await page.screenshot({ path: join(root, `docs/images/${name}.png`) })
  })
  process.stdout.write(
    run(...program(), 'top', '--once')
      .toString()
      .split('\n')
      .slice(0, 12)
      .join('\n') + '\n',
  )
} finally {
  for (const child of children) {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  execFileSync('ip', ['netns', 'delete', namespace])
  removeUnits()
  rmSync(folder, { recursive: true })
}
