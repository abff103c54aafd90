// npm run demo: two hosts (network namespaces) with an exporter each, and a Prometheus with the shipped
// rules. A service of one host sends to somewhere new; the alert is printed as Prometheus reports it. All
// goes again.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { program } from './program.js'
import { root } from './root.js'
import { makeUnits } from './units.js'

const baselineSeconds = 10
const deadlineMs = 60_000
const learned = '203.0.113.1'
const stranger = '198.51.100.23'

const hosts = [1, 2].map((number) => ({
  name: `egress-demo-${number}`,
  address: `192.0.2.${number}`,
  exporter: `192.0.2.${number}:10191`,
}))
const { units, remove: removeUnits } = makeUnits('web.service', 'backup.service')
const folder = mkdtempSync(join(tmpdir(), 'egress-demo-'))
const children = []
const say = (text) => console.log(`\n# ${text}`)
const ip = (args) => execFileSync('ip', args.split(' '))
const inside = ({ name }, ...command) => ['nsenter', [`--net=/run/netns/${name}`, ...command]]
const run = (host, ...command) => execFileSync(...inside(host, ...command), { encoding: 'utf8' })

try {
  build()
  say(
    `Two hosts, an exporter on each; they learn for ${baselineSeconds} s, and web.service sends to ${learned} meanwhile.`,
  )
  for (const host of hosts) startExporter(host)
  await until(() => hosts.every((host) => fetchPage(host) !== undefined), 'the exporters serve')
  const learnedUntil = Date.now() + 1000 * baselineSeconds
  for (const host of hosts) send(host, 'web.service', learned, 23)
  startPrometheus(hosts[0])
  await until(
    () => hosts.every((host) => fetchPage(host).includes(`destination="${learned}"`)),
    'it is counted',
  )
  await setTimeout(learnedUntil - Date.now() + 1000)
  console.log(`alerts now: ${JSON.stringify(newDestinations())}`)

  say(`backup.service on the second host sends 29 packets to ${stranger}, where nobody sent before.`)
  const began = Date.now()
  send(hosts[1], 'backup.service', stranger, 29)
  await until(() => newDestinations().length > 0, 'the alert fires')
  console.log(`after ${((Date.now() - began) / 1000).toFixed(1)} s Prometheus reports:`)
  console.log(JSON.stringify(newDestinations(), undefined, 2))

  say('What the second host remembers:')
  process.stdout.write(exporterSays(hosts[1], 'destinations'))
  process.stdout.write(readFileSync(join(folder, `${hosts[1].name}.audit`), 'utf8'))

  say('Somebody says that it is known; the alert resolves.')
  process.stdout.write(exporterSays(hosts[1], 'destinations', 'ack', stranger, '--note', 'seen in the demo'))
  await until(() => newDestinations().length === 0, 'it resolves')
  console.log('alerts now: []')

  say(
    `web.service sends 31 packets to ${stranger}, which only backup.service knows; each goes on where it is known.`,
  )
  send(hosts[1], 'web.service', stranger, 31)
  send(hosts[1], 'web.service', learned, 37)
  send(hosts[1], 'backup.service', stranger, 41)
  await until(() => newDestinations().length > 0, 'the alert fires for it')
  for (const { labels, annotations } of newDestinations())
    console.log(`${labels.service}: ${annotations.description}`)
  const [device, all, ...services] = await settledSums(hosts[1])
  console.log(`packets by the device: ${device}; by the exporter: ${all}, which are those of`)
  for (const line of services) console.log(`  ${line}`)
} finally {
  for (const child of children.reverse()) {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  for (const { name } of hosts) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
  removeUnits()
  rmSync(folder, { recursive: true })
  say('All is as it was: namespaces, cgroups, processes and files of the demo are gone.')
}

/** The hosts are connected for Prometheus; what leaves by wan0 is counted, and goes nowhere. */
function build() {
  for (const { name } of hosts) ip(`netns add ${name}`)
  ip(`link add manage netns ${hosts[0].name} type veth peer name manage netns ${hosts[1].name}`)
  for (const host of hosts) {
    const { name, address } = host
    // What the kernel itself sends as a device comes up would be before the exporter.
    run(host, 'sysctl', '--quiet', '--write', 'net.ipv6.conf.default.disable_ipv6=1')
    ip(`-n ${name} link add wan0 type veth peer name wan1`)
    for (const device of ['lo', 'manage', 'wan1', 'wan0']) ip(`-n ${name} link set ${device} up`)
    ip(`-n ${name} addr add ${address}/24 dev manage`)
    ip(`-n ${name} route add default dev wan0`)
    for (const to of [learned, stranger]) ip(`-n ${name} neigh add ${to} lladdr 02:00:00:00:00:02 dev wan0`)
  }
}

function startExporter(host) {
  const flags = [
    '--interface=wan0',
    `--web.listen-address=${host.exporter}`,
    `--storage.path=${join(folder, host.name)}`,
    `--audit.file=${join(folder, `${host.name}.audit`)}`,
    `--baseline.period=${baselineSeconds}s`,
    '--poll.interval=1s',
    '--services',
    '--log.level=warn',
  ]
  start(host, ...program(), ...flags)
}

function startPrometheus(host) {
  const targets = hosts.map(({ exporter }) => `'${exporter}'`).join(', ')
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `
global: { scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s }
rule_files: ['${join(root, 'dashboards/rules')}/*.yml']
scrape_configs: [{ job_name: egress, static_configs: [{ targets: [${targets}] }] }]
`,
  )
  start(
    host,
    ...['prometheus', `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
    ...['--web.listen-address=127.0.0.1:9090', '--log.level=error'],
  )
}

function start(host, ...command) {
  const [file, args] = inside(host, ...command)
  children.push(spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
}

/** As one of the units. */
function send(host, unit, to, packets) {
  const traffic = ['python3', join(root, 'test/support/traffic.py'), 'udp', to, '443', String(packets), '100']
  run(host, 'sh', '-c', 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', 'sh', units[unit], ...traffic)
}

function exporterSays(host, ...command) {
  return run(host, ...program(), ...command, `--storage.path=${join(folder, host.name)}`)
}

function fetchPage({ exporter }) {
  return get(`http://${exporter}/metrics`)
}

function newDestinations() {
  const { data } = JSON.parse(get('http://127.0.0.1:9090/api/v1/alerts') ?? '{"data":{"alerts":[]}}')
  return data.alerts.filter(({ labels }) => labels.alertname === 'EgressNewDestination')
}

/** What the device sent, what the exporter counted, and of that each counter that is not 0, once it is all told. */
async function settledSums(host) {
  let found
  await until(() => {
    const statistics = JSON.parse(run(host, 'ip', '-json', '-statistics', 'link', 'show', 'wan0'))
    const lines = fetchPage(host)
      .split('\n')
      .filter((line) => /^egress_(unlisted_)?packets_total\{.* [1-9]/.test(line))
    const sum = lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    found = [statistics[0].stats64.tx.packets, sum, ...lines]
    return found[0] === found[1]
  }, 'all is on the page')
  return found
}

/** Undefined while nobody answers. */
function get(url) {
  try {
    return execFileSync(...inside(hosts[0], 'curl', '--silent', '--fail', url), { encoding: 'utf8' })
  } catch {
    return undefined
  }
}

async function until(condition, what) {
  const deadline = Date.now() + deadlineMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it took longer than ${deadlineMs / 1000} s until ${what}`)
    await setTimeout(200)
  }
}
