import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { eventually, hangMs } from '../../support/await.js'
import { exporterCommand, startExporter } from '../../support/exporter.js'
import { createNetwork, Namespace } from '../../support/network.js'

interface Result {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs the exporter to its end; with `wrapper` before its command line. */
function runExporter(namespace: Namespace, flags: string[], wrapper: string[] = []): Result {
  const [file, args] = namespace.command(...wrapper, ...exporterCommand(...flags))
  return spawnSync(file, args, { encoding: 'utf8', timeout: hangMs })
}

/** The one line that is no log line. */
const complaint = ({ stderr }: Result) =>
  stderr.split('\n').filter((line) => line !== '' && !line.startsWith('time='))

/** Everything that hangs on a device's egress. */
const leftovers = (host: Namespace, device: string) =>
  host.run(['tc', 'filter', 'show', 'dev', device, 'egress']) +
  host.run(['tc', 'qdisc', 'show', 'dev', device, 'clsact'])

t.test('bad input gets one line, the right exit code, and leaves nothing attached', async (t) => {
  const host = new Namespace(t, 'bad')
  host.ip('link add veth0 type veth peer name veth1')
  const without = (...capabilities: string[]) => ['setpriv', `--bounding-set=${capabilities.join(',')}`]
  const cases: [what: string, flags: string[], status: number, message: RegExp, wrapper?: string[]][] = [
    [
      'unknown interface',
      ['--interface=eth7'],
      2,
      /^egress-exporter: --interface: 'eth7' does not exist: this host has lo, veth/,
    ],
    [
      'no default route',
      [],
      2,
      /^egress-exporter: no default route leads to an interface: name one with --interface \(lo, veth/,
    ],
    [
      'unknown flag',
      ['--interfaces=veth0'],
      2,
      /^egress-exporter: unknown option '--interfaces=veth0'; see --help$/,
    ],
    ['unknown command', ['count'], 2, /^egress-exporter: unknown command 'count'; see --help$/],
    [
      'a flag without its value',
      ['--interface'],
      2,
      /^egress-exporter: option '--interface <name>' argument missing; see --help$/,
    ],
    [
      'no such mode',
      ['--bpf.mode=xdp'],
      2,
      /argument 'xdp' is invalid\. Allowed choices are auto, tcx, clsact/,
    ],
    [
      'malformed CIDR',
      ['--destinations.exclude=10.0.0.0/99'],
      2,
      /^egress-exporter: --destinations.exclude: '10.0.0.0\/99' is not a CIDR prefix/,
    ],
    [
      'an address of another host',
      ['--interface=veth0', '--web.listen-address=192.0.2.1:1'],
      1,
      /^egress-exporter: cannot listen on 192.0.2.1:1: this host does not have that address/,
    ],
    [
      'no privilege',
      ['--interface=veth0'],
      77,
      /^egress-exporter: cannot load the BPF program: CAP_BPF and CAP_NET_ADMIN missing; run it as root/,
      without('-all'),
    ],
    [
      'no CAP_NET_ADMIN',
      ['--interface=veth0'],
      77,
      /^egress-exporter: cannot load the BPF program: CAP_NET_ADMIN missing;/,
      without('-all', '+bpf'),
    ],
    [
      'no CAP_BPF',
      ['--interface=veth0'],
      77,
      /^egress-exporter: cannot load the BPF program: CAP_BPF missing;/,
      without('-all', '+net_admin'),
    ],
  ]
  for (const [what, flags, status, message, wrapper] of cases) {
    for (const mode of flags.some((flag) => flag.startsWith('--bpf.mode'))
      ? [[]]
      : [[], ['--bpf.mode=clsact']]) {
      const result = runExporter(host, [...mode, ...flags], wrapper)
      t.equal(result.status, status, `${what}: exit code`)
      t.equal(complaint(result).length, 1, `${what}: one line`)
      t.match(complaint(result)[0], message, what)
    }
  }
  t.equal(leftovers(host, 'veth0'), '')
})

t.test('an address in use', async (t) => {
  const host = new Namespace(t, 'busy')
  host.ip('link add veth0 type veth peer name veth1')
  const first = await startExporter(t, host, '--interface=veth0')
  const { host: authority } = new URL(first.url)
  for (const mode of ['tcx', 'clsact']) {
    const second = runExporter(host, [
      '--interface=veth1',
      `--bpf.mode=${mode}`,
      `--web.listen-address=${authority}`,
    ])
    t.equal(second.status, 1)
    t.match(complaint(second), [
      `egress-exporter: cannot listen on ${authority}: another program listens there: stop it, or choose another address with --web.listen-address`,
    ])
    t.equal(leftovers(host, 'veth1'), '')
  }
})

t.test('two capabilities suffice', async (t) => {
  const host = new Namespace(t, 'caps')
  host.ip('link add veth0 type veth peer name veth1')
  for (const mode of ['tcx', 'clsact']) {
    const flags = ['--interface=veth0', `--bpf.mode=${mode}`]
    const [file, args] = host.command(
      'setpriv',
      '--bounding-set=-all,+bpf,+net_admin',
      ...exporterCommand(...flags),
    )
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    let stopped = false
    for await (const chunk of child.stderr) {
      log += chunk
      // Once: a second signal ends it at once.
      if (!stopped && log.includes('serving metrics')) stopped = child.kill('SIGTERM')
    }
    t.match(log, `mode=${mode}`)
    t.match(log, /level=info msg="without the names .*" reason="cannot listen to DNS: CAP_NET_RAW missing/)
    if (child.exitCode === null) await once(child, 'exit')
    t.equal(child.exitCode, 0)
  }
})

t.test('after the start, no thread keeps more than it needs to follow interfaces', async (t) => {
  const host = new Namespace(t, 'kept')
  const capNetAdmin = (1n << 12n).toString(16).padStart(16, '0')
  for (const mode of ['tcx', 'clsact']) {
    const exporter = await startExporter(t, host, '--interface=lan*', `--bpf.mode=${mode}`)
    await eventually(() => assert.match(exporter.log().join('\n'), /gave up .* kept="?\["?/))
    const tasks = `/proc/${exporter.child.pid}/task`
    for (const task of readdirSync(tasks)) {
      const status = readFileSync(`${tasks}/${task}/status`, 'utf8')
      for (const set of ['CapPrm', 'CapEff']) {
        t.equal(new RegExp(`^${set}:\\s*(.*)$`, 'm').exec(status)?.[1], capNetAdmin, `${task} ${set}`)
      }
      t.match(status, /^NoNewPrivs:\s*1$/m)
    }
    host.ip('link add lan0 type veth peer name far')
    await eventually(() =>
      assert.equal(exporter.samples().get('egress_interface_attached{interface="lan0"}'), 1),
    )
    host.ip('link delete lan0')
    await eventually(() =>
      assert.equal(exporter.samples().get('egress_interface_attached{interface="lan0"}'), undefined),
    )
    t.equal(await exporter.stop(), 0)
  }
})

for (const mode of ['tcx', 'clsact']) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    t.test(`${signal} detaches ${mode}, then ends with 0`, async (t) => {
      const network = createNetwork(t)
      const exporter = await startExporter(t, network.host, '--interface=veth0', `--bpf.mode=${mode}`)
      network.up()
      if (mode === 'clsact') {
        const filter = network.host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress'])
        t.match(filter, /pref 2 bpf .*handle 0x65677265 egress_ethernet:\[\d+\] direct-action/)
      }
      exporter.child.kill(signal)
      await once(exporter.child, 'exit')
      t.equal(exporter.child.exitCode, 0)
      t.equal(leftovers(network.host, 'veth0'), '')
      t.match(exporter.log().at(-1), 'msg="detached from every interface"')
    })
  }
}

t.test('a scrape under way does not hold the stop up', async (t) => {
  const host = new Namespace(t, 'stop')
  host.ip('link add veth0 type veth peer name veth1')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const { hostname, port } = new URL(exporter.url)
  // A client that asks and never reads, nor closes.
  const stalled = `const s = require("net").connect(${port}, "${hostname}", () => { s.pause(); s.write("GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n", () => console.log("asked")) })`
  const [file, args] = host.command(process.execPath, '-e', stalled)
  const client = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => client.kill())
  await once(client.stdout, 'data')
  t.equal(await exporter.stop(), 0)
})

t.test('a kill -9 leaves at most the filter, which the next start adopts and removes', async (t) => {
  const host = new Namespace(t, 'kill')
  host.ip('link add veth0 type veth peer name veth1')
  for (const mode of ['tcx', 'clsact']) {
    const killed = await startExporter(t, host, '--interface=veth0', `--bpf.mode=${mode}`)
    await killed.kill()
    const next = await startExporter(t, host, '--interface=veth0', `--bpf.mode=${mode}`)
    t.equal(await next.stop(), 0)
    t.equal(host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress']), '')
  }
})

t.test('the default routes choose the interfaces', async (t) => {
  const network = createNetwork(t)
  network.up()
  network.host.ip('link add other type veth peer name other1')
  const exporter = await startExporter(t, network.host)
  const attached = [...exporter.samples().keys()].filter((series) =>
    series.startsWith('egress_interface_attached'),
  )
  t.same(attached, ['egress_interface_attached{interface="veth0"}'])
})

t.test('every hop of a route of several counts', async (t) => {
  const host = new Namespace(t, 'hops')
  for (const [device, net] of [
    ['one', 1],
    ['two', 2],
    ['six', 6],
  ] as const) {
    host.ip(`link add ${device} type veth peer name ${device}-far`)
    host.ip(`link set ${device}-far up`)
    host.ip(`addr add 198.51.100.${net}1/28 dev ${device}`)
    host.ip(`link set ${device} up`)
  }
  host.ip('route add default nexthop dev one nexthop dev two')
  // wg-quick keeps its default route in a table of its own.
  host.ip('-6 route add default dev six table 51820')
  const exporter = await startExporter(t, host)
  const attached = [...exporter.samples().keys()].filter((series) =>
    series.startsWith('egress_interface_attached'),
  )
  t.same(
    attached.sort(),
    ['one', 'six', 'two'].map((device) => `egress_interface_attached{interface="${device}"}`),
  )
})

t.test('--help and --version', async (t) => {
  const host = new Namespace(t, 'help')
  const help = runExporter(host, ['--help'])
  t.equal(help.status, 0)
  for (const flag of [
    '--interface',
    '--destinations.exclude',
    '--destinations.limit',
    '--bpf.mode',
    '--web.listen-address',
  ]) {
    t.match(help.stdout, flag)
  }
  t.match(help.stdout, 'Examples:')
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(runExporter(host, ['--version']), { status: 0, stdout: `${version}\n` })
})
