import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { eventually, hangMs } from '../../support/await.js'
import { program, startExporter } from '../../support/exporter.js'
import { addresses, createNetwork, type Namespace, silentPair } from '../../support/network.js'

const runTop = (namespace: Namespace, ...flags: string[]) => {
  const [file, args] = namespace.command(...program, 'top', ...flags)
  return spawnSync(file, args, { encoding: 'utf8', timeout: hangMs })
}

/** A command in a terminal of its own, 100 by 20. */
function terminal(t: { teardown(action: () => unknown): void }, namespace: Namespace, ...command: string[]) {
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-L', namespace.name, ...args], { encoding: 'utf8' })
  // The test runner may have set it.
  const [file, args] = namespace.command('env', '--unset=NO_COLOR', ...command)
  const inside = [file, ...args].map((word) => `'${word}'`).join(' ')
  // When it has ended, the first screen stays to be seen.
  tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    '100',
    '-y',
    '20',
    `${inside}; echo "ended $?"; exec sleep infinity`,
  )
  t.teardown(() => tmux('kill-server'))
  return {
    type: (...keys: string[]) => void tmux('send-keys', ...keys),
    screen: (...flags: string[]) => tmux('capture-pane', '-p', ...flags),
    resize: (columns: number, rows: number) =>
      void tmux('resize-window', '-x', String(columns), '-y', String(rows)),
  }
}

t.test('a table and JSON of a running exporter, with its numbers', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  host.traffic(`udp ${addresses.peer.v4} 443 23 100`)
  host.traffic(`udp ${addresses.peer.v6} 53 29 100`)
  const samples = await exporter.settled()
  const url = `--url=${new URL(exporter.url).origin}`
  const packets = (address: string) =>
    samples.get(`egress_packets_total{interface="veth0",destination="${address}"}`)
  const table = runTop(host, url, '--once', '--sort=packets').stdout.split('\n')
  t.match(table[0], /^DESTINATION .* PACKETS▼/)
  t.match(table[1], new RegExp(`^${addresses.peer.v6} +veth0 +udp 53 .* ${packets(addresses.peer.v6)} `))
  t.match(table[2], new RegExp(`^${addresses.peer.v4} +veth0 +udp 443 .* ${packets(addresses.peer.v4)} `))
  const { destinations, total } = JSON.parse(runTop(host, url, '--once', '--json', '--search=2001:').stdout)
  t.equal(total, 2)
  t.match(destinations, [{ destination: addresses.peer.v6, packets: 29, protocol: 'udp', port: 53 }])
})

t.test('without an exporter it counts for itself, and leaves nothing', async (t) => {
  const host = silentPair(t, 'veth0')
  host.ip('addr add 192.0.2.1/24 dev veth0')
  host.ip('neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev veth0')
  const [file, args] = host.command(...program, 'top', '--interface=veth0', '--json')
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  host.traffic('udp 192.0.2.2 443 31 100')
  let list = { destinations: [] as { packets: number; packets_per_second: number; status: null }[] }
  let fastest = 0
  // Its rate is that of one second, and the counters stay.
  for (let second = 0; second < 8 && fastest === 0; second++) {
    list = JSON.parse((await lines.next()).value ?? '')
    fastest = list.destinations[0]?.packets_per_second ?? 0
  }
  t.match(list.destinations, [{ destination: '192.0.2.2', packets: 31, status: null }])
  t.ok(fastest > 0 && fastest <= 350, `${fastest} packets a second`)
  child.kill('SIGINT')
  t.equal((await ended)[0], 0)
  t.equal(host.run(['tc', 'qdisc', 'show', 'dev', 'veth0', 'clsact']), '')
  t.equal(host.run(['bpftool', 'net', 'show', 'dev', 'veth0']).match(/egress/g), null)
})

t.test('it does not take the place of an exporter that counts by a filter', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0', '--bpf.mode=clsact')
  const filter = () => host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress'])
  const before = filter()
  const { status, stderr } = runTop(host, '--interface=veth0', '--once')
  t.equal(status, 1)
  t.equal(
    stderr,
    `egress-exporter: top: no exporter answers at http://localhost:10191, and process ${exporter.child.pid} counts on veth0 already: show what it counts with --url\n`,
  )
  t.equal(filter(), before)
})

t.test('in a terminal it updates, sorts, searches, fits, and gives the screen back', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  host.traffic(`udp ${addresses.peer.v4} 443 23 100`)
  await exporter.settled()
  const { type, screen, resize } = terminal(
    t,
    host,
    ...program,
    'top',
    `--url=${new URL(exporter.url).origin}`,
  )
  const shows = (pattern: RegExp) => eventually(() => assert.match(screen(), pattern))
  await shows(new RegExp(`^${addresses.peer.v4} +veth0`, 'm'))
  await shows(/BYTES\/s▼/)

  host.traffic(`udp ${addresses.peer.v6} 53 29 100`)
  await shows(new RegExp(`^${addresses.peer.v6} +veth0`, 'm'))
  await shows(/2 destinations/)

  type('s')
  await shows(/PACKETS\/s▼/)
  type('r')
  await shows(/PACKETS\/s▲/)
  type('/', '2001', 'Enter')
  await shows(/1 of 2 destinations/)
  await shows(/search: 2001 /)
  t.notMatch(screen(), addresses.peer.v4)
  type('Escape')
  await shows(/s {2}2 destinations/)
  t.match(screen('-e'), '\x1b[', 'in colour')

  resize(50, 8)
  await eventually(() => {
    assert.doesNotMatch(screen(), /INTERFACE/)
    assert.match(screen(), /DESTINATION/)
  })
  type('q')
  await shows(/ended 0/)
  t.notMatch(screen(), /DESTINATION/)
})

t.test('NO_COLOR is obeyed', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const url = `--url=${new URL(exporter.url).origin}`
  const { screen, type } = terminal(t, host, 'env', 'NO_COLOR=1', ...program, 'top', url)
  await eventually(() => assert.match(screen(), /DESTINATION/))
  t.notMatch(screen('-e'), '\x1b[')
  type('C-c')
  await eventually(() => assert.match(screen(), /ended 0/))
})

t.test('what cannot be shown, in one line', async (t) => {
  const host = silentPair(t, 'veth0')
  const cases: [flags: string[], status: number, message: RegExp][] = [
    [['--url=nonsense'], 2, /argument 'nonsense' is invalid. Write a URL such as http:/],
    [
      ['--url=http://127.0.0.1:4321'],
      1,
      /^egress-exporter: no exporter answers at http:\/\/127.0.0.1:4321: ECONNREFUSED$/,
    ],
    [
      ['--interface=nowhere'],
      2,
      /^egress-exporter: top: no exporter answers at .*, and --interface: 'nowhere' does not exist/,
    ],
    [
      ['--interface=veth0', '--once', '--search=1/2/3'],
      2,
      /^egress-exporter: '1\/2\/3' is not a CIDR prefix/,
    ],
    [['--sort=colour'], 2, /Allowed choices are bytes_per_second/],
  ]
  for (const [flags, status, message] of cases) {
    const result = runTop(host, ...flags)
    t.equal(result.status, status, flags.join())
    t.match(result.stderr.trim(), message)
    t.equal(result.stderr.trim().split('\n').length, 1)
  }
})
